using LoraOps.Onnx.Graphs;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// What an adapter changed: the values of a model that are downstream of a weight or an operator that its base does not have. The others take
/// the same values on the same data, so their ranges need not be found again.
/// </summary>
public static class ChangedCone
{
    /// <summary>The values of the adapted model's main graph that the base does not compute, in graph order; names do not matter, contents do.</summary>
    /// <param name="origin">The model before, prepared like the other one.</param>
    /// <param name="adapted">The model after.</param>
    public static IReadOnlyList<string> Of(OnnxModel origin, OnnxModel adapted)
    {
        ArgumentNullException.ThrowIfNull(adapted);
        var known = TensorIdentities.Of(origin).Values.ToHashSet(StringComparer.Ordinal);
        var now = TensorIdentities.Of(adapted);
        return [.. adapted.Graph.Node.SelectMany(node => node.Output).Where(name => name.Length > 0 && !known.Contains(now[name]))];
    }
}
