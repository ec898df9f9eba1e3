using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>The names of a linear layer's tensors in GPTQ's or AWQ's layout.</summary>
/// <param name="Module">The layer.</param>
internal sealed record GroupedLayer(string Module)
{
    private const string Suffix = ".qweight";
    private static readonly ElementType[] Words = [ElementType.I32];
    private static readonly ElementType[] Floats = [ElementType.F16, ElementType.BF16, ElementType.F32];

    /// <summary>The packed weight.</summary>
    public string Codes => Module + Suffix;

    /// <summary>The weight's name in the model.</summary>
    public string Weight => Module + ".weight";

    /// <summary>The layers with a packed weight.</summary>
    public static List<GroupedLayer> All(LayoutReading reading) => [.. reading.Names
        .Where(name => name.EndsWith(Suffix, StringComparison.Ordinal))
        .Select(name => new GroupedLayer(name[..^Suffix.Length]))];

    /// <summary>The tensors, if they are all there and fit one another; else null, with problems.</summary>
    /// <param name="reading">The checkpoint.</param>
    /// <param name="unpacked">The shape [in, out] of the codes whose packed shape is given.</param>
    public GroupedParts? Parts(LayoutReading reading, Func<TensorShape, TensorShape> unpacked)
    {
        var codes = reading.Find(Codes)!;
        var (zeros, scales) = (reading.Required(Codes, Module + ".qzeros"), reading.Required(Codes, Module + ".scales"));
        if (zeros is null || scales is null)
            return null;

        if (codes.Shape.Rank != 2 || codes.Shape.ElementCount == 0 || scales.Shape.Rank != 2 || scales.Shape[0] is < 1 or > int.MaxValue)
        {
            reading.Invalid(Codes, $"it has shape {codes.Shape} and its scales {scales.Shape}; both must be tables");
            return null;
        }

        var shape = unpacked(codes.Shape);
        var fits = reading.Fits(codes, Words, codes.Shape) & reading.Fits(scales, Floats, new TensorShape(scales.Shape[0], shape[1])) &
            reading.Fits(zeros, Words, new TensorShape(scales.Shape[0], shape[1] / GroupedParts.PerWord));
        if (shape[1] % GroupedParts.PerWord == 0)
            return fits ? new GroupedParts(codes, zeros, scales, reading.Find(Module + ".g_idx")) : null;

        reading.Invalid(Codes, $"its {shape[1]} outputs are no multiple of {GroupedParts.PerWord}");
        return null;
    }

    /// <summary>True if the inputs fall into runs of one length, that of the config; else a problem.</summary>
    public static bool HasEqualGroups(LayoutReading reading, GroupedParts parts, long inputs)
    {
        var size = reading.Config!.GroupSize is > 0 and var said ? Math.Min(said, inputs) : inputs / parts.Groups;
        if (size > 0 && inputs == size * parts.Groups)
            return true;

        reading.Invalid(
            parts.Scales.Name,
            FormattableString.Invariant($"it has {parts.Groups} groups for {inputs} inputs, and the config's group_size is {reading.Config.GroupSize}"));
        return false;
    }

    /// <summary>Adds the weight in the place of the packed one.</summary>
    public void Add(LayoutReading reading, DequantisedTensor weight) =>
        reading.Add(Codes, weight, [Module + ".qzeros", Module + ".scales", Module + ".g_idx"]);
}
