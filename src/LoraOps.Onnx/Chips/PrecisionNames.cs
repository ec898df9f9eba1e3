namespace LoraOps.Onnx.Chips;

/// <summary>The names of precisions in profiles, commands and reports.</summary>
public static class PrecisionNames
{
    private static readonly (LayerPrecision Precision, string Name)[] Names =
    [
        (LayerPrecision.Int8, "int8"), (LayerPrecision.Int16, "int16"), (LayerPrecision.Half, "fp16"), (LayerPrecision.Float, "float"),
    ];

    /// <summary>All names, cheapest first.</summary>
    public static IReadOnlyList<string> Known { get; } = [.. Names.Select(pair => pair.Name)];

    /// <summary>The name of a precision.</summary>
    public static string Name(this LayerPrecision precision) => Array.Find(Names, pair => pair.Precision == precision).Name;

    /// <summary>The precision of that name, or null.</summary>
    public static LayerPrecision? Find(string name) => Array.FindIndex(Names, pair => pair.Name == name) is var at and >= 0 ? Names[at].Precision : null;
}
