namespace LoraOps.Onnx.Layers;

/// <summary>A weight as integers: value = (code − zero point) · scale of the code's group (the tensor, a channel or a block).</summary>
/// <param name="Codes">The codes, outputs first.</param>
/// <param name="Groups">The group of each code.</param>
/// <param name="Scales">The scale of each group; MatMulNBits has negative ones.</param>
/// <param name="Zeros">The zero point of each group.</param>
public sealed record WeightCodes(int[] Codes, int[] Groups, float[] Scales, int[] Zeros)
{
    /// <summary>The smallest code of the type.</summary>
    public required int Low { get; init; }

    /// <summary>The largest.</summary>
    public required int High { get; init; }

    /// <summary>True if a group's scale has the sign of its value of largest magnitude, as symmetric MatMulNBits stores it.</summary>
    public bool KeepsSign { get; init; }

    /// <summary>The numbers.</summary>
    public float[] Values()
    {
        var values = new float[Codes.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = (Codes[i] - Zeros[Groups[i]]) * Scales[Groups[i]];

        return values;
    }

    /// <summary>
    /// Quantizes another weight of the same layer as this one was: the same groups and type, and of each group a scale of its own that stands
    /// in the same ratio to the largest magnitude (with free zero points: to the range that holds zero).
    /// </summary>
    /// <param name="own">The numbers that these codes were made of.</param>
    /// <param name="other">The other weight's numbers.</param>
    public WeightCodes Likewise(ReadOnlySpan<float> own, ReadOnlySpan<float> other)
    {
        var (mine, theirs) = (Extents(own), Extents(other));
        var (scales, zeros) = (new float[Scales.Length], (int[])Zeros.Clone());
        for (var group = 0; group < scales.Length; group++)
        {
            var hasFreeZero = !KeepsSign && Zeros[group] != 0;
            var (from, to) = hasFreeZero ? (mine[group].Width, theirs[group].Width)
                : KeepsSign ? (mine[group].Peak, theirs[group].Peak)
                : (Math.Abs(mine[group].Peak), Math.Abs(theirs[group].Peak));
            scales[group] = from == 0 || to == 0 ? Scales[group] : Scales[group] * (float)(to / from);
            if (hasFreeZero)
                zeros[group] = (int)Math.Clamp(Math.Round(Low - (theirs[group].Min / scales[group])), Low, High);
        }

        var codes = new int[Codes.Length];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = Code(other[i], scales[Groups[i]], zeros[Groups[i]], (Low, High));

        return this with { Codes = codes, Scales = scales, Zeros = zeros };
    }

    /// <summary>The share of a weight's numbers whose codes would lie beyond the type, by more than rounding.</summary>
    public double ClippedShare(ReadOnlySpan<float> values)
    {
        var clipped = 0L;
        for (var i = 0; i < values.Length; i++)
        {
            var code = (values[i] / (double)Scales[Groups[i]]) + Zeros[Groups[i]];
            clipped += code < Low - 0.5 || code > High + 0.5 ? 1 : 0;
        }

        return values.Length == 0 ? 0 : (double)clipped / values.Length;
    }

    internal static int Code(float value, float scale, int zero, (int Low, int High) range)
    {
        var code = Math.Round((double)value / scale, MidpointRounding.ToEven) + zero;
        return double.IsNaN(code) ? zero : (int)Math.Clamp(code, range.Low, range.High);
    }

    private Extent[] Extents(ReadOnlySpan<float> values)
    {
        var extents = new Extent[Scales.Length];
        for (var i = 0; i < values.Length; i++)
            extents[Groups[i]] = extents[Groups[i]].With(values[i]);

        return extents;
    }

    private readonly record struct Extent(double Min, double Max)
    {
        public double Width => Max - Min;

        public double Peak => Max >= -Min ? Max : Min;

        public Extent With(float value) => new(Math.Min(Min, value), Math.Max(Max, value));
    }
}
