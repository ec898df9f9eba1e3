using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>Changes constants of a model; one that others read as well is copied first.</summary>
public sealed class ConstantEditor
{
    private readonly OnnxModel _model;
    private readonly GraphIndex _index;
    private readonly NameSet _names;
    private readonly List<string> _floatNodes = [];

    /// <param name="model">Edited in place.</param>
    /// <param name="index">Its index, kept up to date.</param>
    public ConstantEditor(OnnxModel model, GraphIndex index)
    {
        _model = model;
        _index = index;
        _names = new NameSet(model);
    }

    /// <summary>The names of nodes that were put in and must stay float.</summary>
    public IReadOnlyList<string> FloatNodes => _floatNodes;

    /// <summary>The elements of an operand as they are now.</summary>
    public float[] Read(Edge edge) => _model.Read(_index.Stored(edge)!).ToFloats();

    /// <summary>Gives an operand new elements of the same shape.</summary>
    public void Write(IReadOnlyList<Edge> edges, float[] values) =>
        _model.Write(Own(edges), MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>A new float constant.</summary>
    /// <returns>Its name.</returns>
    public string Add(string wish, ReadOnlySpan<long> dims, float[] values)
    {
        var tensor = OnnxTensor.Create(_names.Take(wish), dims, values);
        _model.Graph.Initializer.Add(tensor);
        _index.Added(tensor);
        return tensor.Name;
    }

    /// <summary>Takes a free name.</summary>
    public string Name(string wish) => _names.Take(wish);

    /// <summary>Multiplies operands with a factor per channel; several edges of one constant stay one constant.</summary>
    public void Multiply(IReadOnlyList<ScaledOperand> operands, double[] factors)
    {
        ArgumentNullException.ThrowIfNull(operands);
        foreach (var same in operands.GroupBy(operand => (_index.Stored(operand.Edge)!.Name, operand.Dim, operand.Groups)))
        {
            var first = same.First();
            var values = Read(first.Edge);
            first.Multiply(values, factors);
            Write([.. same.Select(operand => operand.Edge)], values);
        }
    }

    /// <summary>Divides what a node made: it gets a new name inside, and a Mul gives the old one.</summary>
    /// <param name="made">The value.</param>
    /// <param name="inverse">One factor per channel.</param>
    /// <param name="rank">The value's rank where its channels are on the second axis; 0 where they are on the last.</param>
    internal void InsertBehind(MadeValue made, double[] inverse, int rank)
    {
        var value = made.Node.Output[made.Output];
        var graph = _index.Owner(made.Node);
        var inner = _names.Take(value + "_unscaled");
        made.Node.Output[made.Output] = inner;
        var node = Product(inner, Vector(value, inverse, rank), value);
        graph.Node.Insert(graph.Node.IndexOf(made.Node) + 1, node);
    }

    /// <summary>Gives some readers the divided value.</summary>
    internal void InsertBehind(MadeValue made, double[] inverse, int rank, IEnumerable<Edge> readers)
    {
        var value = made.Node.Output[made.Output];
        foreach (var graph in readers.GroupBy(edge => _index.Owner(edge.Node)))
        {
            var scaled = _names.Take(value + "_smooth");
            Insert(Product(value, Vector(value, inverse, rank), scaled), [.. graph]);
        }
    }

    /// <summary>Gives some readers the value as it was before it was divided.</summary>
    internal void InsertBefore(IReadOnlyList<Edge> readers, double[] factors, int rank)
    {
        foreach (var same in readers.GroupBy(edge => _index.Owner(edge.Node)))
        {
            var value = same.First().Value;
            var restored = _names.Take(value + "_restored");
            Insert(Product(value, Vector(value, factors, rank), restored), [.. same]);
        }
    }

    private void Insert(NodeProto node, IReadOnlyList<Edge> readers)
    {
        var graph = _index.Owner(readers[0].Node);
        var first = readers.MinBy(edge => graph.Node.IndexOf(edge.Node));
        _index.Insert(node, first.Node);
        foreach (var edge in readers)
            _index.Rewire(edge, node.Output[0]);
    }

    private NodeProto Product(string value, string factors, string result)
    {
        var node = new NodeProto { OpType = "Mul", Name = _names.Take(result + "_scale") };
        node.Input.Add(value);
        node.Input.Add(factors);
        node.Output.Add(result);
        _floatNodes.Add(node.Name);
        return node;
    }

    private string Vector(string value, double[] factors, int rank)
    {
        long[] dims = [factors.Length, .. Enumerable.Repeat(1L, Math.Max(rank, 2) - 2)];
        return Add(value + "_factors", dims, [.. factors.Select(factor => (float)factor)]);
    }

    private TensorProto Own(IReadOnlyList<Edge> edges)
    {
        var tensor = _index.Stored(edges[0])!;
        if (_index.Consumers(edges[0]).All(edges.Contains) && !_index.IsGraphOutput(edges[0]))
            return tensor;

        var copy = tensor.Clone();
        if (ExternalData.IsExternal(tensor))
            OnnxTensor.SetRaw(copy, _model.Read(tensor).ToBytes());

        copy.Name = _names.Take(tensor.Name + "_own");
        _model.Graph.Initializer.Add(copy);
        _index.Added(copy);
        foreach (var edge in edges)
            _index.Rewire(edge, copy.Name);

        return copy;
    }
}
