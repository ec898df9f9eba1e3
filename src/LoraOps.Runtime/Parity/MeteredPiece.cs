using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>Samples of one source, run and ready to be measured.</summary>
/// <param name="Part">The adapter and domain that they are of.</param>
/// <param name="Reference">Whose values they are held against.</param>
/// <param name="First">The first sample, counted as the labels are.</param>
/// <param name="Count">How many.</param>
internal sealed record MeteredPiece(ParityPart Part, string Reference, int First, int Count)
{
    /// <summary>The output that labels are of, and they; or null.</summary>
    public required (string Output, Labels Labels)? Scored { get; init; }

    /// <summary>For each output its shape and the values of candidate and reference.</summary>
    public required IReadOnlyDictionary<string, (OutputBlock Mine, OutputBlock Theirs)> Values { get; init; }
}
