using LoraOps.Onnx.Layers;
using LoraOps.Problems;

namespace LoraOps.Runtime.Surviving;

/// <summary>Finds each layer of a float model again in a model that was made from it.</summary>
internal sealed class LayerPairs
{
    // Far below what 4 bits leave of a weight, far above what two different weights have in common.
    private const double LeastCosine = 0.8;

    private readonly Dictionary<string, LayerWeight> _named;
    private readonly List<LayerWeight> _rest;

    /// <param name="reference">The layers of the float model, constants folded.</param>
    /// <param name="candidate">Those of the other one.</param>
    public LayerPairs(IReadOnlyList<LayerWeight> reference, IReadOnlyList<LayerWeight> candidate)
    {
        var wanted = reference.GroupBy(layer => layer.Name, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First().Shape, StringComparer.Ordinal);
        _named = candidate.Where(layer => wanted.TryGetValue(layer.Name, out var shape) && shape.Equals(layer.Shape))
            .GroupBy(layer => layer.Name, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        _rest = [.. candidate.Where(layer => !_named.ContainsKey(layer.Name))];
    }

    /// <summary>The layer of the same name and shape; where names are gone that with the same content, rounded; or null.</summary>
    /// <param name="layer">A layer of the float model.</param>
    /// <param name="values">Its weight, which is read but for this only once.</param>
    public LayerWeight? Find(LayerWeight layer, float[] values)
    {
        if (_named.GetValueOrDefault(layer.Name) is { } same)
            return same;

        var best = _rest.Where(other => other.Shape.Equals(layer.Shape))
            .Select(other => (Layer: other, DeltaSums.Of(other.Values(), values).Cosine))
            .OrderByDescending(pair => pair.Cosine).FirstOrDefault();
        if (best.Layer is null || best.Cosine < LeastCosine)
            return null;

        _rest.Remove(best.Layer);
        return best.Layer;
    }
}
