using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>Recognises quantised weights in layouts that are not read, so that nobody adds to their bare codes.</summary>
internal static class ForeignLayouts
{
    private static readonly string[] Known = ["bitsandbytes", "gptq", "awq"];

    // Weight's own name, the companion's suffix, and what it is.
    private static readonly (string Weight, string Companion, string What)[] Pairs =
    [
        ("", "_scale_inv", "FP8 with a scale for each block"),
        ("_packed", "_scale", "packed by compressed-tensors"),
        ("_blocks", "_scales", "MXFP4"),
        ("", "_scale_2", "NVFP4"),
        ("", "_scale", "scaled FP8, MXFP8 or NVFP4"),
        (".W_q", ".meta", "HQQ"),
        (".codes", ".codebooks", "AQLM"),
    ];

    /// <summary>Reports every stored tensor of such a layout.</summary>
    public static void Refuse(LayoutReading reading)
    {
        foreach (var name in reading.Names.Where(name => !reading.Explains(name)).ToList())
        {
            var tensor = reading.Find(name)!;
            if (IsPlain(tensor.Type))
                continue;

            if (What(reading, name) is { } what)
                reading.Unsupported(name, $"its {tensor.Type.Name()} codes are {what}");
            else if (name.EndsWith(".qweight", StringComparison.Ordinal))
                reading.Unsupported(name, "its codes are of GPTQ, AWQ or a layout like theirs, and which one, the config does not say");
            else if (IsWeight(name) && reading.Config is { Method: var method })
                reading.Unsupported(
                    name, $"it is {tensor.Type.Name()}, the model is quantised by '{method}', and the tensors that would tell its values are missing");
        }
    }

    /// <summary>The problem of a config that names another quantiser, or null.</summary>
    /// <param name="path">The config's file.</param>
    /// <param name="config">What it says, or null.</param>
    public static Problem? Refuse(string path, QuantisationConfig? config) => config is null || Known.Contains(config.Method)
        ? null
        : QuantisedProblems.MethodUnsupported(path, config.Method, Known);

    private static string? What(LayoutReading reading, string name) => Pairs
        .Where(pair => name.EndsWith(pair.Weight, StringComparison.Ordinal) && reading.Find(name[..^pair.Weight.Length] + pair.Companion) is not null)
        .Select(pair => pair.What)
        .FirstOrDefault();

    private static bool IsWeight(string name) => name.EndsWith(".weight", StringComparison.Ordinal);

    // Positions and masks are integers or truth values of models that are not quantised.
    private static bool IsPlain(ElementType type) =>
        type is ElementType.F64 or ElementType.F32 or ElementType.F16 or ElementType.BF16 or ElementType.C64 or ElementType.I64 or ElementType.Bool;
}
