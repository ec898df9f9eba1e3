using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>One adapter of a measurement.</summary>
/// <param name="Adapter">What it is called; empty for a model that has none.</param>
/// <param name="Against">What of the reference it is held against, in words; empty if there is but one thing.</param>
public sealed record ParityPart(string Adapter, string Against);

/// <summary>Samples that are run in one go, and what they are held against.</summary>
/// <param name="Inputs">The samples.</param>
/// <param name="Reference">What the candidate must be near to for them.</param>
/// <param name="Parts">The adapters that the samples are of.</param>
public sealed record ParityPass(SampleSet Inputs, ParityReference Reference, IReadOnlyList<ParityPart> Parts)
{
    /// <summary>For each sample the number of its part; empty if there is one.</summary>
    public IReadOnlyList<int> Sources { get; init; } = [];

    /// <summary>What is active in the candidate meanwhile; null for nothing.</summary>
    public SessionAdapter? Adapter { get; init; }
}
