using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Onnx.Mapping;

namespace LoraOps.Runtime.Surviving;

/// <summary>What people call the layers of a model: the module that an exporter recorded, in the model before its constants were folded.</summary>
internal sealed class ModuleNames
{
    // What ONNX Runtime adds to the name of a MatMul that it takes an Add into.
    private const string Fused = "/MatMulAddFusion";
    private readonly Dictionary<string, string> _byNode = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _byWeight = new(StringComparer.Ordinal);

    /// <param name="model">The float model as it was exported.</param>
    public ModuleNames(OnnxModel model)
    {
        foreach (var use in WeightUses.Find(new GraphIndex(model)))
        {
            if (use.Node.Name.Length > 0)
                _byNode.TryAdd(use.Node.Name, use.ModuleGuess);

            _byWeight.TryAdd(use.Name, use.ModuleGuess);
        }
    }

    /// <summary>The module of a layer of the prepared model; its node's name if nothing tells.</summary>
    public string Of(LayerWeight layer)
    {
        var node = layer.Name.Replace(Fused, "", StringComparison.Ordinal);
        return _byNode.GetValueOrDefault(node) ?? _byWeight.GetValueOrDefault(layer.Stored) ?? ModulePath.FromNodeName(node) ?? node;
    }
}
