namespace LoraOps.Onnx.AdapterFiles;

/// <summary>What an adapter may be without.</summary>
public sealed record AdapterFitOptions
{
    /// <summary>An adapter that does not say for which model it was made may be used: one that LoraOps did not write.</summary>
    public bool AllowsForeign { get; init; }

    /// <summary>Look at every value, which reads the whole file.</summary>
    public bool ChecksValues { get; init; } = true;
}
