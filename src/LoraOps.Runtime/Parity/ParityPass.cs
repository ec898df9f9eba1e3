using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>One adapter of a measurement.</summary>
/// <param name="Adapter">What it is called; empty for a model that has none.</param>
/// <param name="Against">What of the reference it is held against, in words; empty if there is but one thing.</param>
public sealed record ParityPart(string Adapter, string Against)
{
    /// <summary>What its samples are called; empty if they have no name.</summary>
    public string Domain { get; init; } = "";
}

/// <summary>Samples of one adapter, and what they are held against.</summary>
/// <param name="Part">The adapter.</param>
/// <param name="Samples">The samples; labels are among them.</param>
/// <param name="Reference">What the candidate must be near to for them.</param>
public sealed record ParitySource(ParityPart Part, SampleSet Samples, ParityReference Reference)
{
    /// <summary>Where the labels are; null takes those that hold for all sources, else those among the samples.</summary>
    public SampleSet? Labels { get; init; }

    /// <summary>What the adapter's effect is measured from; null if it is not measured.</summary>
    public EffectOrigins? Origins { get; init; }
}

/// <summary>The models without the adapter: its effect is what it changes of their outputs.</summary>
/// <param name="Candidate">That of the candidate: the quantized base, or for want of one the float base.</param>
/// <param name="Reference">That of the reference: the float base.</param>
/// <param name="What">What the candidate's is, in words.</param>
public sealed record EffectOrigins(ParityReference Candidate, ParityReference Reference, string What);

/// <summary>Samples that are run in one go.</summary>
/// <param name="Inputs">What is fed: the samples of one source as they are, or those of several in turn.</param>
/// <param name="Sources">Whose samples they are.</param>
public sealed record ParityPass(SampleSet Inputs, IReadOnlyList<ParitySource> Sources)
{
    /// <summary>For each sample the number of its source, and its own there; empty if there is one source.</summary>
    public IReadOnlyList<(int Source, int Sample)> Rows { get; init; } = [];

    /// <summary>Smaller samples were filled up with zeros at their end; their outputs are compared as far as their records go.</summary>
    public bool Pads { get; init; }

    /// <summary>What is active in the candidate meanwhile; null for nothing.</summary>
    public SessionAdapter? Adapter { get; init; }

    /// <summary>Samples of one source.</summary>
    public static ParityPass Of(ParitySource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ParityPass(source.Samples, [source]);
    }
}
