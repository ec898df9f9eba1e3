using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>bitsandbytes' int8 weights: <c>M.weight</c> int8 [out, in], <c>M.SCB</c> float32 [out], <c>M.weight_format</c> 0 for row-major.</summary>
internal sealed class Int8Layout : QuantisedLayout
{
    private const string Weight = ".weight";
    private const string Maxima = ".SCB";
    private const string Format = ".weight_format";
    private static readonly ElementType[] Bytes = [ElementType.U8, ElementType.I8, ElementType.I32, ElementType.I64];

    /// <inheritdoc/>
    public override string Name => "bitsandbytes int8";

    /// <inheritdoc/>
    public override void Read(LayoutReading reading)
    {
        foreach (var name in reading.Names.Where(name => name.EndsWith(Maxima, StringComparison.Ordinal)).ToList())
        {
            var module = name[..^Maxima.Length];
            if (reading.Required(name, module + Weight) is { } codes && Fits(reading, codes, reading.Find(name)!) && IsRowMajor(reading, module))
                reading.Add(
                    codes.Name,
                    new RowScaledTensor(codes.Name, reading.TypeLike(FloatBeside(reading, module)), codes, reading.Find(name)!) { Format = Name },
                    [name, module + Format]);
        }

        foreach (var name in reading.Names.Where(name => IsLost(reading, name)).ToList())
            reading.Required(name, name[..^Weight.Length] + Maxima);
    }

    private static bool Fits(LayoutReading reading, Tensor codes, Tensor maxima)
    {
        if (codes.Type is ElementType.I8 && codes.Shape.Rank == 2 && codes.Shape.ElementCount > 0)
            return reading.Fits(maxima, [ElementType.F32], codes.Shape[0]);

        reading.Invalid(codes.Name, $"it is {codes.Type.Name()} {codes.Shape} beside an SCB, and must be I8 [out, in]");
        return false;
    }

    private static bool IsRowMajor(LayoutReading reading, string module)
    {
        // Files from before the other formats have no such tensor.
        if (reading.Find(module + Format) is not { } format)
            return true;

        if (!reading.Fits(format, Bytes, 1))
            return false;

        if (format.ToFloats()[0] == 0)
            return true;

        reading.Unsupported(format.Name, $"it is {format.ToFloats()[0]}, a tiled order of a GPU's kernels; only 0, row by row, is read");
        return false;
    }

    private static bool IsLost(LayoutReading reading, string name) =>
        reading.Config?.Method == "bitsandbytes" && name.EndsWith(Weight, StringComparison.Ordinal) && !reading.Explains(name) &&
        reading.Find(name)!.Type is ElementType.I8;

    // The layout does not record the type that the model had: a bias was left as it was, and so were norms and embeddings.
    private static Tensor? FloatBeside(LayoutReading reading, string module) => reading.Find(module + ".bias") ??
        reading.Names.Where(name => !name.EndsWith(Maxima, StringComparison.Ordinal)).Select(reading.Find).FirstOrDefault(tensor => tensor!.Type.IsFloat());
}
