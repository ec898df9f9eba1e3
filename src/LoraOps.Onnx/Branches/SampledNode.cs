using LoraOps.Adapters;
using LoraOps.Problems;

namespace LoraOps.Onnx.Branches;

/// <summary>A node with a branch, and where the samples of a batch are in its output and in the product of its first factor.</summary>
/// <param name="Site">The node.</param>
/// <param name="Layout">Its output's layout.</param>
internal sealed record SampledNode(BranchNode Site, BatchLayout Layout)
{
    /// <summary>True if the samples are the outer part of the first axis: [batch · sequence, channels].</summary>
    public bool IsGrouped => Site.Layer != LayerKind.Convolution && (Layout.IsFlat || Layout.Rank is null);

    /// <summary>The number of dimensions; meaningless if <see cref="IsGrouped"/>.</summary>
    public int Rank => Site.Layer == LayerKind.Convolution ? Site.Use.Shape.Rank : Layout.Rank ?? 0;

    /// <summary>The axis of the samples.</summary>
    public int Axis => Layout.Axis ?? 0;

    /// <summary>The axis of the channels.</summary>
    public int ChannelAxis => Site.Layer == LayerKind.Convolution ? 1 : Rank - 1;

    /// <summary>Finds the samples, or gives null and says why that cannot be.</summary>
    public static SampledNode? Of(BranchNode site, BatchTrace trace, string model, ICollection<Problem> problems)
    {
        var source = trace[site.Source];
        var layout = site.Layer switch
        {
            LayerKind.Embedding => source with { Rank = source.Rank + 1 },
            LayerKind.Convolution => source with { Rank = site.Use.Shape.Rank },
            _ => source,
        };
        var why = (source.IsShared, source.Axis, source.IsFlat) switch
        {
            (true, _, _) => "what it reads is the same for every sample",
            (_, null, _) => "the batch axis of what it reads is not known",
            (_, not 0, true) => "the batch axis of what it reads is not the first",
            _ when layout.Axis > 0 && (layout.Rank is null || layout.Axis >= layout.Rank - 1) => "the batch axis of what it reads is the channels'",
            _ => null,
        };
        if (why is null)
            return new SampledNode(site, layout);

        problems.Add(FormProblems.BatchAxisUnknown(model, site.Node.Name, why));
        return null;
    }
}
