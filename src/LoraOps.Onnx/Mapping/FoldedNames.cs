using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.Mapping;

/// <summary>The names of the parameters that torch.export's optimizer folded into a stored value, as it records them.</summary>
public sealed class FoldedNames
{
    private const string Key = "pkg.onnxscript.optimizer.folded_from";
    private const string OldKey = "pkg.onnxscript.optimizer.constant_folding.folded_from";

    private readonly Dictionary<string, IReadOnlyList<string>> _names = new(StringComparer.Ordinal);

    /// <summary>Reads what a model records.</summary>
    public FoldedNames(OnnxModel model)
    {
        foreach (var value in model.Graph.AllGraphs().SelectMany(graph => graph.ValueInfo))
        {
            if (value.MetadataProps.FirstOrDefault(entry => entry.Key is Key or OldKey) is { } folded)
                _names[value.Name] = PythonList.Parse(folded.Value);
        }
    }

    /// <summary>The parameters inside a value; none if nothing was folded into it.</summary>
    public IReadOnlyList<string> Of(string value) => _names.GetValueOrDefault(value, []);
}
