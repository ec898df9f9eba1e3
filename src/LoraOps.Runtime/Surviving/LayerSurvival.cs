using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Surviving;

/// <summary>The numbers of one layer.</summary>
/// <param name="merged">W', outputs first.</param>
/// <param name="plain">W, as long.</param>
/// <param name="columns">The length of an output's row.</param>
internal sealed class LayerSurvival(float[] merged, float[] plain, int columns)
{
    /// <summary>Measures it.</summary>
    /// <param name="module">What people call the layer.</param>
    /// <param name="node">The candidate's node.</param>
    /// <param name="mine">Q(W').</param>
    /// <param name="theirs">Q(W).</param>
    public ModuleSurvival Measure(string module, string node, QuantizedLayer mine, QuantizedLayer theirs)
    {
        var sums = new DeltaSums();
        for (var i = 0; i < merged.Length; i++)
            sums.Add((double)mine.Values[i] - theirs.Values[i], (double)merged[i] - plain[i]);

        var (all, smallest) = Snr(mine);
        return new ModuleSurvival
        {
            Module = module,
            Node = node,
            DeltaCosine = sums.Cosine,
            Rho = sums.Projection,
            SnrDelta = all,
            SmallestSnrDelta = smallest,
            ChangedCodes = Changed(mine, theirs),
            ScaleRatio = ScaleRatio(),
            ClippedShare = mine.ClippedShare(merged),
            Verdict = AdapterSurvival.Judge(sums.Cosine),
        };
    }

    // Of the layer, and of the worst channel that changes at all.
    private (double All, double Smallest) Snr(QuantizedLayer layer)
    {
        var (signal, noise, smallest) = (0.0, 0.0, double.PositiveInfinity);
        for (var row = 0; row < merged.Length; row += columns)
        {
            var (rowSignal, rowNoise) = (0.0, 0.0);
            for (var i = row; i < row + columns; i++)
            {
                var delta = (double)merged[i] - plain[i];
                rowSignal += delta * delta;
                rowNoise += layer.Step(i) * layer.Step(i) / 12;
            }

            signal += rowSignal;
            noise += rowNoise;
            if (rowSignal > 0)
                smallest = Math.Min(smallest, Decibels(rowSignal, rowNoise));
        }

        return (Decibels(signal, noise), smallest);
    }

    private double Changed(QuantizedLayer mine, QuantizedLayer theirs)
    {
        var changed = 0L;
        for (var i = 0; i < merged.Length; i++)
        {
            changed += mine.Codes is { } after && theirs.Codes is { } before
                ? (after.Codes[i] - after.Zeros[after.Groups[i]] != before.Codes[i] - before.Zeros[before.Groups[i]] ? 1 : 0)
                : (mine.Values[i] != theirs.Values[i] ? 1 : 0);
        }

        return (double)changed / merged.Length;
    }

    private double ScaleRatio()
    {
        var greatest = 0.0;
        for (var row = 0; row < merged.Length; row += columns)
        {
            var (after, before) = (Peak(merged.AsSpan(row, columns)), Peak(plain.AsSpan(row, columns)));
            greatest = Math.Max(greatest, before == 0 ? after == 0 ? 1 : double.PositiveInfinity : after / before);
        }

        return greatest;
    }

    private static double Peak(ReadOnlySpan<float> values)
    {
        var peak = 0.0;
        foreach (var value in values)
            peak = Math.Max(peak, Math.Abs((double)value));

        return peak;
    }

    private static double Decibels(double signal, double noise) => noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
}
