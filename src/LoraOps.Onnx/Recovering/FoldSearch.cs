using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>A value that a node makes.</summary>
/// <param name="Node">The node.</param>
/// <param name="Output">The index among its outputs.</param>
internal readonly record struct MadeValue(NodeProto Node, int Output);

/// <summary>
/// Looks from a value upwards for the constants that scale its channels: norms, biases, the weights of the layer that made it, through
/// whatever a positive factor per channel passes. Each value on the way must be read by nobody else.
/// </summary>
internal sealed class FoldSearch(OnnxModel model, GraphIndex index, long channels)
{
    private const int MaxDepth = 32;

    private readonly HashSet<MadeValue> _scaled = [];
    private readonly HashSet<Edge> _passed = [];
    private readonly List<ScaledOperand> _operands = [];
    private readonly List<MadeValue> _inserted = [];
    private bool _throughIf;
    private bool _reshaped;

    /// <summary>The constants to divide.</summary>
    public IReadOnlyList<ScaledOperand> Operands => _operands;

    /// <summary>Products with factors of the caller's own, which are divided where they come out.</summary>
    public IReadOnlyList<MadeValue> Inserted => _inserted;

    /// <summary>True if the value can be scaled; if not, the search is to be thrown away.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axis">Its channels.</param>
    /// <param name="readers">The edges that read it: they are compensated elsewhere.</param>
    public bool Find(MadeValue value, ChannelAxis axis, IEnumerable<Edge> readers)
    {
        _passed.UnionWith(readers);
        return Scale(value, axis, 0, 0) && _operands.Count > 0 && _scaled.All(made =>
            !IsLeaving(made) && index.Consumers(made.Node, made.Output).All(edge => _passed.Contains(edge) || edge.Node.Is("Shape", "Size")));
    }

    private bool IsLeaving(MadeValue made)
    {
        var graph = index.Owner(made.Node);
        return graph.Output.Any(output => output.Name == made.Node.Output[made.Output]) && (ReferenceEquals(graph, model.Graph) || !_throughIf);
    }

    // The rank is known behind a convolution only; 0 means that it is not.
    private bool Scale(MadeValue value, ChannelAxis axis, int rank, int depth)
    {
        if (depth > MaxDepth || value.Output != 0)
            return false;

        if (!_scaled.Add(value))
            return true;

        var node = value.Node;
        if (node.Is("MatMul", "Gemm", "Conv"))
            return Layer(node, axis);

        if (node.Is("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"))
            return axis == ChannelAxis.Last && Rows(node);

        if (node.Is("InstanceNormalization", "BatchNormalization"))
            return axis == ChannelAxis.Second && Operand(node, 1, 0) && Operand(node, 2, 0);

        if (node.Is("Relu", "LeakyRelu", "PRelu", "Identity", "Div"))
            return Pass(node, 0, axis, rank, depth);

        if (node.Is("Add", "Sub"))
            return Addend(node, 0, axis, rank, depth) && Addend(node, 1, axis, rank, depth);

        if (node.Is("Mul"))
            return Product(node, axis, rank, depth);

        return node.Is("If") ? Branches(node, axis, depth) : Moved(node, axis, rank, depth);
    }

    private bool Layer(NodeProto node, ChannelAxis axis)
    {
        if (axis == ChannelAxis.Last == node.Is("Conv"))
            return false;

        var weight = Constant(node, 1);
        if (weight is null)
        {
            if (!IsOverridable(node, 1))
                return false;

            _inserted.Add(new MadeValue(node, 0));
            return true;
        }

        var dim = node.OpType switch
        {
            "Conv" => 0,
            "Gemm" => node.Integer("transB", 0) != 0 ? 0 : 1,
            _ => weight.Dims.Count - 1,
        };
        return weight.Dims.Count > 1 && Operand(node, 1, dim) && (node.InputAt(2).Length == 0 || Operand(node, 2, -1));
    }

    private bool Rows(NodeProto node) => Constant(node, 1) is { Dims.Count: 1 } && Operand(node, 1, 0)
        && (node.InputAt(2).Length == 0 || (Constant(node, 2) is { Dims.Count: 1 } && Operand(node, 2, 0)));

    private bool Addend(NodeProto node, int input, ChannelAxis axis, int rank, int depth) => Constant(node, input) is { } constant
        ? Operand(node, input, DimOf(constant, axis, rank > 0 ? rank : RankOf(node, 1 - input)))
        : Pass(node, input, axis, rank, depth);

    // A factor of one number belongs to what it multiplies (half a Gelu); only one per channel can take the scale.
    private bool Product(NodeProto node, ChannelAxis axis, int rank, int depth)
    {
        for (var input = 0; input < 2; input++)
        {
            if (Constant(node, input) is { } constant)
            {
                var dim = DimOf(constant, axis, rank > 0 ? rank : RankOf(node, 1 - input));
                return dim >= 0 && constant.Dims[dim] == channels ? Operand(node, input, dim) : Pass(node, 1 - input, axis, rank, depth);
            }
        }

        return Either(node, axis, rank, depth);
    }

    private bool Either(NodeProto node, ChannelAxis axis, int rank, int depth)
    {
        for (var input = 0; input < 2; input++)
        {
            var (scaled, passed) = (_scaled.ToArray(), _passed.ToArray());
            var (operands, inserted) = (_operands.Count, _inserted.Count);
            if (Pass(node, input, axis, rank, depth) && _operands.Count > operands)
                return true;

            _scaled.IntersectWith(scaled);
            _passed.IntersectWith(passed);
            _operands.RemoveRange(operands, _operands.Count - operands);
            _inserted.RemoveRange(inserted, _inserted.Count - inserted);
        }

        return false;
    }

    private bool Branches(NodeProto node, ChannelAxis axis, int depth)
    {
        _throughIf = true;
        foreach (var graph in GraphWalk.Subgraphs(node))
        {
            var name = graph.Output.Count > 0 ? graph.Output[0].Name : "";
            if (graph.Node.FirstOrDefault(inner => inner.Output.Contains(name)) is not { } made
                || !Scale(new MadeValue(made, made.Output.IndexOf(name)), axis, 0, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    // What changes places but keeps channels together.
    private bool Moved(NodeProto node, ChannelAxis axis, int rank, int depth)
    {
        if (node.Is("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
            return axis == ChannelAxis.Second && Pass(node, 0, axis, rank, depth);

        if (node.Is("Flatten", "Reshape", "Squeeze"))
            return axis == ChannelAxis.Last && Reshaped(node, depth);

        if (!node.Is("Transpose") || _reshaped || node.Integers("perm") is not { Count: > 2 } perm)
            return false;

        var from = perm[axis == ChannelAxis.Last ? perm.Count - 1 : 1];
        return (from == perm.Count - 1 || from == 1)
            && Pass(node, 0, from == 1 ? ChannelAxis.Second : ChannelAxis.Last, perm.Count, depth);
    }

    // Rows stay rows where the last axis is as long before as behind: the reader counts the channels there, the constant that is found here.
    // Between two changes of the shape, or one and a transposition, that would not be known.
    private bool Reshaped(NodeProto node, int depth)
    {
        if (index.Producer(new Edge(node, 0)) is { } pool && pool.Is("GlobalAveragePool", "GlobalMaxPool"))
            return Pass(node, 0, ChannelAxis.Second, 0, depth);

        if (_reshaped)
            return false;

        _reshaped = true;
        return Pass(node, 0, ChannelAxis.Last, 0, depth);
    }

    private bool Pass(NodeProto node, int input, ChannelAxis axis, int rank, int depth)
    {
        var edge = new Edge(node, input);
        if (index.Producer(edge) is not { } made || Constant(node, input) is not null)
            return false;

        _passed.Add(edge);
        return Scale(new MadeValue(made, made.Output.IndexOf(edge.Value)), axis, rank, depth + 1);
    }

    private bool Operand(NodeProto node, int input, int dim)
    {
        if (Constant(node, input) is not { } tensor || tensor.DataType != (int)TensorProto.Types.DataType.Float)
            return false;

        var at = dim < 0 && node.Is("Conv", "Gemm") ? tensor.Dims.Count - 1 : dim;
        if (at < 0 || tensor.Dims[at] != channels)
            return false;

        _operands.Add(new ScaledOperand(new Edge(node, input), tensor, at));
        return true;
    }

    // The dimension of a broadcast constant that lies on the channels; −1 if there is none.
    private static int DimOf(TensorProto constant, ChannelAxis axis, int rank) => axis == ChannelAxis.Last
        ? constant.Dims.Count - 1
        : rank > 0 && constant.Dims.Count >= rank - 1 ? constant.Dims.Count - rank + 1 : -1;

    private int RankOf(NodeProto node, int input) => index.Producer(new Edge(node, input)) is { } made && made.Is("Conv")
        ? Constant(made, 1)?.Dims.Count ?? 0
        : 0;

    private TensorProto? Constant(NodeProto node, int input) => Constants.Of(index, new Edge(node, input));

    private bool IsOverridable(NodeProto node, int input) => Constants.IsOverridable(index, new Edge(node, input));
}
