namespace LoraOps.Onnx.Rounding;

/// <summary>What people call the ways of rounding.</summary>
public static class RoundingMethods
{
    private static readonly (string Name, RoundingMethod Method)[] _names =
    [
        ("nearest", RoundingMethod.Nearest),
        ("adaround", RoundingMethod.AdaRound),
        ("gptq", RoundingMethod.Gptq),
    ];

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. _names.Select(entry => entry.Name)];

    /// <summary>The method of a name, or null.</summary>
    public static RoundingMethod? Find(string name) =>
        _names.Where(entry => entry.Name == name).Select(entry => (RoundingMethod?)entry.Method).FirstOrDefault();
}
