using LoraOps.Tensors.Kernels;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>How scales are found.</summary>
public enum ScaleSearch
{
    /// <summary>The scale that gives the largest magnitude, or the range, the last code: what most quantizers do.</summary>
    Range,

    /// <summary>The scale of the least squared error among finer and coarser ones, each refitted to its codes; never worse than <see cref="Range"/>.</summary>
    LeastSquares,
}

/// <summary>
/// Finds scale, zero point and codes of each block. Plain codes follow ONNX Runtime's kernel (signed scale of the largest magnitude, halves away
/// from zero). The search tries scales around it and fits each to its codes by least squares, then rounds again: alternating both can only
/// lower the error.
/// </summary>
public static class BlockSearch
{
    // Finer scales clip the largest magnitudes, coarser ones only move the grid.
    private const int FinerSteps = 12;
    private const int CoarserSteps = 2;
    private const int Rounds = 3;

    // Below it the inverse of a scale overflows: such a block is as good as zero.
    private const float SmallestMagnitude = 1e-30f;

    /// <summary>Quantizes a matrix.</summary>
    /// <param name="values">[rows, columns], finite.</param>
    /// <param name="grid">How it is cut.</param>
    /// <param name="search">How scales are found.</param>
    /// <exception cref="ArgumentException">The values do not fill the matrix.</exception>
    public static BlockedWeight Quantize(ReadOnlyMemory<float> values, BlockGrid grid, ScaleSearch search = ScaleSearch.LeastSquares)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (values.Length != (long)grid.Rows * grid.Columns)
            throw new ArgumentException($"{values.Length} values are no {grid.Rows} × {grid.Columns}.", nameof(values));

        var weight = new BlockedWeight(
            grid, new byte[values.Length], new float[grid.Rows * grid.Blocks], new byte[grid.Rows * grid.Blocks]);
        Parallel.For(
            0,
            grid.Rows,
            () => new float[RoundUp(Math.Min(grid.Block, grid.Columns))],
            (row, _, padded) =>
            {
                Row(values.Span.Slice(row * grid.Columns, grid.Columns), row, weight, search, padded);
                return padded;
            },
            _ => { });
        return weight;
    }

    private static void Row(ReadOnlySpan<float> values, int row, BlockedWeight weight, ScaleSearch search, float[] padded)
    {
        var grid = weight.Grid;
        for (var block = 0; block < grid.Blocks; block++)
        {
            var from = block * grid.Block;
            var part = values[from..Math.Min(from + grid.Block, grid.Columns)];
            var plain = grid.IsAsymmetric ? Spread(part, grid) : Magnitude(part, grid);
            var found = search == ScaleSearch.Range || plain.IsEmpty ? plain : Search(part, plain, grid, padded);
            var at = (row * grid.Blocks) + block;
            weight.Scales[at] = found.Scale;
            weight.Zeros[at] = (byte)found.Zero;
            var codes = weight.Codes.AsSpan((row * grid.Columns) + from, part.Length);
            for (var i = 0; i < part.Length; i++)
                codes[i] = found.Code(part[i], grid);
        }
    }

    private static BlockScale Magnitude(ReadOnlySpan<float> values, BlockGrid grid)
    {
        var (low, high) = Ends(values);
        if (Math.Max(-low, high) < SmallestMagnitude)
            return new BlockScale(1, grid.Middle) { IsEmpty = true };

        var largest = high > -low ? high : low;
        var scale = grid.AllowsNegativeScales
            ? largest / -grid.Middle
            : Math.Max(-low / (grid.Middle - grid.Lowest), high / (grid.Highest - grid.Middle));
        return new BlockScale(scale, grid.Middle);
    }

    private static BlockScale Spread(ReadOnlySpan<float> values, BlockGrid grid)
    {
        var (low, high) = Ends(values);
        if (high - low < SmallestMagnitude || !float.IsFinite(high - low))
            return Magnitude(values, grid);

        var scale = (high - low) / (grid.Highest - grid.Lowest);
        return new BlockScale(scale, (int)Math.Clamp(MathF.Round(-low / scale, MidpointRounding.AwayFromZero), grid.Lowest, grid.Highest));
    }

    private static (float Low, float High) Ends(ReadOnlySpan<float> values)
    {
        var (low, high) = (0f, 0f);
        foreach (var value in values)
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        return (low, high);
    }

    private static BlockScale Search(ReadOnlySpan<float> values, BlockScale plain, BlockGrid grid, float[] padded)
    {
        var lanes = padded.AsSpan(0, RoundUp(values.Length));
        values.CopyTo(lanes);
        lanes[values.Length..].Clear();
        var best = (Gain: float.NegativeInfinity, Scale: plain);
        for (var step = -CoarserSteps; step <= FinerSteps; step++)
        {
            // One step of 8 bits is one code of 128, of 4 bits a quarter of one of 8.
            var inverse = (1 / plain.Scale) * (1 + (step / (grid.Bits == 8 ? 256f : 40f)));
            best = grid.IsAsymmetric
                ? Shifted(best, lanes, inverse, plain, grid)
                : Signed(best, lanes, plain with { Scale = 1 / inverse }, grid);
        }

        var refined = best.Scale;
        for (var round = 0; round < Rounds; round++)
            refined = Refit(lanes, refined, grid);

        return Error(values, refined, grid) < Error(values, plain, grid) ? refined : plain;
    }

    private static (float Gain, BlockScale Scale) Signed(
        (float Gain, BlockScale Scale) best, ReadOnlySpan<float> lanes, BlockScale candidate, BlockGrid grid)
    {
        best = Better(best, lanes, candidate, grid);
        return grid.AllowsNegativeScales ? Better(best, lanes, candidate with { Scale = -candidate.Scale }, grid) : best;
    }

    // A finer scale does not reach both ends any more: the zero point says which one is cut.
    private static (float Gain, BlockScale Scale) Shifted(
        (float Gain, BlockScale Scale) best, ReadOnlySpan<float> lanes, float inverse, BlockScale plain, BlockGrid grid)
    {
        var middle = (int)MathF.Round(plain.Zero * plain.Scale * inverse);
        var excess = (int)MathF.Ceiling((grid.Highest - grid.Lowest) * ((plain.Scale * inverse) - 1));
        for (var cut = Math.Min(0, excess); cut <= Math.Max(0, excess); cut++)
            best = Better(best, lanes, new BlockScale(1 / inverse, Math.Clamp(middle - cut, grid.Lowest, grid.Highest)), grid);

        return best;
    }

    private static (float Gain, BlockScale Scale) Better(
        (float Gain, BlockScale Scale) best, ReadOnlySpan<float> lanes, BlockScale candidate, BlockGrid grid)
    {
        var (mixed, squares) = CodeFit.Products(lanes, 1 / candidate.Scale, grid.Lowest - candidate.Zero, grid.Highest - candidate.Zero);
        var gain = mixed * mixed / squares;
        return squares > 0 && gain > best.Gain && float.IsFinite(gain) && float.IsNormal(mixed / squares)
            ? (gain, candidate with { Scale = mixed / squares })
            : best;
    }

    private static BlockScale Refit(ReadOnlySpan<float> lanes, BlockScale found, BlockGrid grid)
    {
        var (mixed, squares) = CodeFit.Products(lanes, 1 / found.Scale, grid.Lowest - found.Zero, grid.Highest - found.Zero);
        return squares > 0 && float.IsNormal(mixed / squares) && (grid.AllowsNegativeScales || mixed > 0)
            ? found with { Scale = mixed / squares }
            : found;
    }

    private static double Error(ReadOnlySpan<float> values, BlockScale scale, BlockGrid grid)
    {
        var error = 0.0;
        foreach (var value in values)
        {
            double lost = value - ((scale.Code(value, grid) - scale.Zero) * scale.Scale);
            error += lost * lost;
        }

        return error;
    }

    private static int RoundUp(int length) => (length + CodeFit.Lanes - 1) / CodeFit.Lanes * CodeFit.Lanes;
}

/// <summary>What the codes of one block mean.</summary>
internal readonly record struct BlockScale(float Scale, int Zero)
{
    /// <summary>True for a block of nothing but zeros.</summary>
    public bool IsEmpty { get; init; }

    public byte Code(float value, BlockGrid grid) =>
        (byte)Math.Clamp(MathF.Round(value / Scale, MidpointRounding.AwayFromZero) + Zero, grid.Lowest, grid.Highest);
}
