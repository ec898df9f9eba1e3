using System.Buffers;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// Finds where the magnitude order of a matrix is cut, exactly and without holding the matrix: its tiles are worked out anew in
/// each pass, with the same bits. A band of keys guessed from a sample is collected in one pass; where the guess fails, or many
/// magnitudes are equal, histograms of the keys narrow the band 16 bits a pass.
/// </summary>
/// <param name="delta">The matrix.</param>
/// <param name="capacity">How many elements are held at most, from 1.</param>
public sealed class MagnitudeOrder(DeltaMatrix delta, int capacity)
{
    // 32 MiB of keys and indices.
    private const int Capacity = 1 << 21;
    private const int Buckets = 1 << 16;

    /// <summary>The cut after the first elements of a matrix.</summary>
    /// <param name="delta">The matrix.</param>
    /// <param name="count">How many elements come before the cut, from 1 to all.</param>
    public static MagnitudeCut CutAfter(DeltaMatrix delta, long count) => new MagnitudeOrder(delta, Capacity).CutAfter(count);

    /// <inheritdoc cref="CutAfter(DeltaMatrix, long)"/>
    public MagnitudeCut CutAfter(long count)
    {
        var band = MagnitudeSample.Band(delta, count, capacity);
        var searched = KeyBand.Whole;
        if (Collect(band, count, ref searched) is { } cut)
            return cut;

        band = Narrow(searched, count);
        return band.IsSingle
            ? new MagnitudeCut(band.Low, LimitOfEquals(band.Low, count - band.Above))
            : Collect(band, count, ref searched)!.Value;
    }

    // Null if the cut lies elsewhere or the band holds too many; then `searched` is where to look further.
    private MagnitudeCut? Collect(KeyBand band, long count, ref KeyBand searched)
    {
        using var collected = new MagnitudeBand(band.Low, band.High, (int)Math.Min(capacity, delta.Count));
        Read((values, index) =>
        {
            collected.Add(values, index);
            return true;
        });
        if (count <= collected.Above)
            searched = searched with { Low = band.High + 1 };
        else if (count > collected.Above + collected.Inside)
            searched = new KeyBand(searched.Low, band.Low - 1, collected.Above + collected.Inside);
        else if (collected.Inside > capacity)
            searched = band with { Above = collected.Above };
        else
            return Select(collected, (int)(count - collected.Above));

        return null;
    }

    private static MagnitudeCut Select(MagnitudeBand collected, int rank)
    {
        var pooled = ArrayPool<long>.Shared.Rent(collected.Keys.Length);
        var keys = pooled.AsSpan(0, collected.Keys.Length);
        collected.Keys.CopyTo(keys);
        var cut = Magnitudes.Ranked(keys, rank);
        ArrayPool<long>.Shared.Return(pooled);

        foreach (var key in collected.Keys)
            rank -= key > cut ? 1 : 0;

        var at = -1;
        while (rank > 0)
            rank -= collected.Keys[++at] == cut ? 1 : 0;

        return new MagnitudeCut(cut, collected.Indices[at] + 1);
    }

    // Ends with a band that can be collected, or with one key.
    private KeyBand Narrow(KeyBand band, long count)
    {
        var counts = new long[Buckets];
        long inside;
        do
        {
            var (low, high, shift) = (band.Low, band.High, Magnitudes.Shift(band.High - band.Low, Buckets));
            Array.Clear(counts);
            Read((values, _) =>
            {
                foreach (var value in values)
                {
                    var key = Magnitudes.Key(value);
                    if (key >= low && key <= high)
                        counts[(key - low) >> shift]++;
                }

                return true;
            });

            var (at, above) = (Buckets - 1, band.Above);
            for (; above + counts[at] < count; at--)
                above += counts[at];

            inside = counts[at];
            low += (long)at << shift;
            band = new KeyBand(low, Math.Min(high, low + (1L << shift) - 1), above);
        }
        while (inside > capacity && !band.IsSingle);
        return band;
    }

    private long LimitOfEquals(long key, long rank)
    {
        var limit = 0L;
        Read((values, index) =>
        {
            for (var at = 0; at < values.Length && rank > 0; at++)
            {
                rank -= Magnitudes.Key(values[at]) == key ? 1 : 0;
                limit = index + at + 1;
            }

            return rank > 0;
        });
        return limit;
    }

    private void Read(TileVisitor visit) => Tiles.Read(delta, visit);
}
