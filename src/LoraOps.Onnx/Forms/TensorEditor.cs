using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Forms;

/// <summary>Changes stored tensors for some of their readers: in place if nobody else reads them, else in a copy.</summary>
internal sealed class TensorEditor(OnnxModel model, GraphIndex index)
{
    /// <summary>Before this IR version every initializer is an input as well, and no caller can override it.</summary>
    public const long OldestIrWithoutInputs = 4;
    private readonly OnnxModel _model = model;
    private readonly GraphIndex _index = index;

    /// <summary>A use as the graph is now: another module's change may have given its node a copy.</summary>
    public WeightUse Current(WeightUse use) => WeightUses.At(_index, use.Edge)!;

    /// <summary>The stored tensor that a node reads now.</summary>
    public TensorProto Stored(Edge edge) => _index.Stored(edge)!;

    /// <summary>Writes a weight for its uses, which all read the same stored tensor.</summary>
    /// <returns>The name of the copy, or null if the tensor was changed in place.</returns>
    public string? Write(IReadOnlyList<WeightUse> uses, byte[] bytes, string preferredName)
    {
        var first = uses[0];
        var mine = uses.SelectMany(use => Path(use)).ToList();
        if (mine.All(edge => IsMineAlone(edge, mine)))
        {
            _model.Write(first.Tensor, bytes);
            return null;
        }

        var copy = Copy(first.Tensor, bytes, preferredName);
        foreach (var use in uses)
            Rewire(use, copy);

        return copy;
    }

    /// <summary>Writes a parameter that nodes read directly, such as a bias.</summary>
    /// <returns>The name of the copy, or null if the tensor was changed in place.</returns>
    public string? Write(TensorProto tensor, IReadOnlyList<Edge> edges, byte[] bytes, string preferredName)
    {
        if (IsMineAlone(edges[0], edges))
        {
            _model.Write(tensor, bytes);
            return null;
        }

        var copy = Copy(tensor, bytes, preferredName);
        foreach (var edge in edges)
            _index.Rewire(edge, copy);

        return copy;
    }

    private static IEnumerable<Edge> Path(WeightUse use) => use.Chain.Select(step => new Edge(step, 0)).Append(use.Edge);

    // A node that asks for the shape alone sees no difference.
    private bool IsMineAlone(Edge value, IReadOnlyList<Edge> mine) => !_index.IsGraphOutput(value)
        && _index.Consumers(value).All(edge => edge.Node.OpType is "Shape" or "Size" || mine.Any(edge.IsSame));

    // The nodes between the weight and its reader may be shared as well: each reader gets its own.
    private void Rewire(WeightUse use, string value)
    {
        foreach (var step in use.Chain)
        {
            var copy = step.Clone();
            copy.Name = Free(step.Name + "_adapted");
            copy.Input[0] = value;
            copy.Output[0] = value = Free(step.Output[0] + "_adapted");
            _index.Insert(copy, use.Node);
        }

        _index.Rewire(use.Edge, value);
    }

    private string Copy(TensorProto tensor, byte[] bytes, string preferredName)
    {
        var copy = tensor.Clone();
        copy.Name = Free(preferredName);
        OnnxTensor.SetRaw(copy, bytes);
        _model.Graph.Initializer.Add(copy);
        _index.Added(copy);

        // Before IR version 4 every initializer is an input of the graph as well.
        if (_model.Proto.IrVersion < OldestIrWithoutInputs)
            _model.Graph.Input.Add(Typed(copy));

        return copy.Name;
    }

    private static ValueInfoProto Typed(TensorProto tensor)
    {
        var shape = new TensorShapeProto();
        shape.Dim.AddRange(tensor.Dims.Select(dim => new TensorShapeProto.Types.Dimension { DimValue = dim }));
        return new ValueInfoProto
        {
            Name = tensor.Name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = tensor.DataType, Shape = shape } },
        };
    }

    private string Free(string name)
    {
        var free = name;
        for (var i = 2; !_index.IsFree(free); i++)
            free = $"{name}_{i}";

        return free;
    }
}
