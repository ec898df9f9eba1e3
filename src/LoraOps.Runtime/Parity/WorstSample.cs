namespace LoraOps.Runtime.Parity;

/// <summary>A sample on which candidate and reference differ most.</summary>
/// <param name="Index">Its place in its data, from 0.</param>
/// <param name="Cosine">The cosine of the output; NaN if a value is not finite.</param>
public sealed record WorstSample(int Index, double Cosine)
{
    /// <summary>The output.</summary>
    public string Output { get; init; } = "";

    /// <summary>Its domain or adapter, if there are several.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Its label; null without one, or where a sample has several.</summary>
    public int? Label { get; init; }

    /// <summary>The candidate's largest place; null where a sample has several rows.</summary>
    public int? Candidate { get; init; }

    /// <summary>The reference's.</summary>
    public int? Reference { get; init; }
}
