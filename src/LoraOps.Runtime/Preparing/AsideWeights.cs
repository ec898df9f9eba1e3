using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Runtime.Preparing;

/// <summary>
/// Keeps large weights out of a message that the runtime rewrites: to it they are tensors in a file beside the model, which it never needs to
/// look into while it only moves nodes around them. Where it did more (it folded one into something else), that shows in their uses.
/// </summary>
internal sealed class AsideWeights
{
    private const string FileName = "aside";
    private const int SmallestBytes = 1 << 14;
    private static readonly string[] Opaque = ["MatMul", "Gemm", "Gather"];
    private readonly Dictionary<string, (TensorProto Tensor, int Uses)> _aside = new(StringComparer.Ordinal);

    private AsideWeights(OnnxModel model) => Model = model;

    /// <summary>The model without them.</summary>
    public OnnxModel Model { get; }

    /// <summary>Takes weights out of a copy of a model.</summary>
    /// <param name="model">All its tensors are inline.</param>
    /// <param name="folder">Where the file is made that the runtime takes for theirs.</param>
    /// <param name="needed">Names of those that must stay.</param>
    public static AsideWeights Of(OnnxModel model, string folder, IReadOnlySet<string> needed)
    {
        var weights = new AsideWeights(model.Clone());
        var uses = Uses(model, onlyOpaque: true);
        var all = Uses(model, onlyOpaque: false);
        var inputs = model.Graph.Input.Select(input => input.Name).ToHashSet(StringComparer.Ordinal);
        var length = 0L;
        foreach (var tensor in weights.Model.Graph.Initializer)
        {
            var count = uses.GetValueOrDefault(tensor.Name);
            if (tensor.RawData.Length < SmallestBytes || count == 0 || count != all[tensor.Name])
                continue;

            if (inputs.Contains(tensor.Name) || needed.Contains(tensor.Name))
                continue;

            weights._aside[tensor.Name] = (tensor.Clone(), count);
            PutAside(tensor, length);
            length += weights._aside[tensor.Name].Tensor.RawData.Length;
        }

        // Nobody reads it, and where the file system can it takes no room.
        using var file = new FileStream(Path.Combine(folder, FileName), FileMode.Create);
        file.SetLength(length);
        return weights;
    }

    /// <summary>Puts the weights back into what the runtime made.</summary>
    /// <returns>The names of those that are used otherwise than before, so that their values are needed; empty if all are back.</returns>
    public IReadOnlyList<string> PutBack(OnnxModel made)
    {
        var uses = Uses(made, onlyOpaque: true);
        var stored = made.Graph.Initializer.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var lost = _aside.Where(pair => !stored.ContainsKey(pair.Key) || uses.GetValueOrDefault(pair.Key) != pair.Value.Uses)
            .Select(pair => pair.Key).ToList();
        if (lost.Count > 0)
            return lost;

        for (var i = 0; i < made.Graph.Initializer.Count; i++)
        {
            if (_aside.TryGetValue(made.Graph.Initializer[i].Name, out var kept))
                made.Graph.Initializer[i] = kept.Tensor;
        }

        return [];
    }

    // How often a name is read; a subgraph's reading of it is no opaque one.
    private static Dictionary<string, int> Uses(OnnxModel model, bool onlyOpaque)
    {
        var uses = new Dictionary<string, int>(StringComparer.Ordinal);
        var nodes = onlyOpaque ? model.Graph.Node.Where(node => node.Is(Opaque)) : model.AllNodes();
        var outputs = model.Graph.AllGraphs().SelectMany(graph => graph.Output).Select(output => output.Name);
        foreach (var name in nodes.SelectMany(node => node.Input).Concat(onlyOpaque ? [] : outputs))
            uses[name] = uses.GetValueOrDefault(name) + 1;

        return uses;
    }

    private static void PutAside(TensorProto tensor, long offset)
    {
        var length = tensor.RawData.Length;
        tensor.ClearRawData();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        Tell(tensor, "location", FileName);
        Tell(tensor, "offset", offset.ToString(CultureInfo.InvariantCulture));
        Tell(tensor, "length", length.ToString(CultureInfo.InvariantCulture));
    }

    private static void Tell(TensorProto tensor, string key, string value) =>
        tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
}
