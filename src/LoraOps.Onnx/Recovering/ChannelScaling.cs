using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>
/// A value whose channels can be divided by factors without changing what the model computes: constants above it take 1/s, the weights of
/// all layers that read it take s. The adapters' own factors are constants like any other (Ã = A·diag(s), B̃ = diag(1/σ)·B) or, where the
/// caller gives them, have a Mul beside them, so that adapter files stay right.
/// </summary>
public sealed class ChannelScaling
{
    // Adapters are put beside convolutions over images.
    private const int FourAxes = 4;

    private readonly MadeValue? _insertedBehind;
    private readonly IReadOnlyList<MadeValue> _inserted;
    private readonly IReadOnlyList<Edge> _restored;

    private ChannelScaling(string value, ChannelAxis axis, FoldSearch? above, ScalingReaders below)
    {
        Value = value;
        Axis = axis;
        Above = above?.Operands ?? [];
        Layers = below.Layers;
        _inserted = above?.Inserted ?? [];
        _restored = below.Restored;
        _insertedBehind = above is null ? below.Made : null;
    }

    /// <summary>The value's name.</summary>
    public string Value { get; }

    /// <summary>Where its channels are.</summary>
    public ChannelAxis Axis { get; }

    /// <summary>How many there are.</summary>
    public int Channels => (int)Layers[0].Channels;

    /// <summary>The constants that are divided; empty if a Mul is put behind the value instead.</summary>
    public IReadOnlyList<ScaledOperand> Above { get; }

    /// <summary>The weights that are multiplied.</summary>
    public IReadOnlyList<ScaledOperand> Layers { get; }

    /// <summary>True if nothing above takes the factors, so that a Mul does.</summary>
    public bool NeedsProduct => Above.Count == 0;

    /// <summary>Looks at the value that a node reads.</summary>
    /// <param name="model">The model.</param>
    /// <param name="index">Its index.</param>
    /// <param name="layer">A node with a constant weight.</param>
    /// <param name="mayInsert">True if a Mul may be put where nothing takes the factors, and where others read the value.</param>
    /// <returns>Null if the value cannot be scaled.</returns>
    public static ChannelScaling? Find(OnnxModel model, GraphIndex index, NodeProto layer, bool mayInsert)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(layer);
        var axis = layer.Is("Conv") ? ChannelAxis.Second : ChannelAxis.Last;
        if (index.Producer(layer.Input[0]) is not { } producer)
            return null;

        var made = new MadeValue(producer, producer.Output.IndexOf(layer.Input[0]));
        if (ScalingReaders.Of(index, made, axis, mayInsert) is not { } readers || index.IsOutput(layer.Input[0]))
            return null;

        var search = new FoldSearch(model, index, readers.Layers[0].Channels);
        var found = search.Find(made, axis, index.Consumers(producer, made.Output));
        return found || mayInsert ? new ChannelScaling(layer.Input[0], axis, found ? search : null, readers) : null;
    }

    /// <summary>Divides the value's channels.</summary>
    /// <param name="constants">Receives the new elements.</param>
    /// <param name="factors">One positive number per channel.</param>
    public void Apply(ConstantEditor constants, double[] factors)
    {
        ArgumentNullException.ThrowIfNull(constants);
        ArgumentNullException.ThrowIfNull(factors);
        double[] inverse = [.. factors.Select(factor => 1 / factor)];
        constants.Multiply(Above, inverse);
        constants.Multiply(Layers, factors);
        foreach (var made in _inserted)
            constants.InsertBehind(made, inverse, made.Node.Is("Conv") ? FourAxes : 0);

        var rank = Axis == ChannelAxis.Second ? Layers[0].Tensor.Dims.Count : 0;
        if (_insertedBehind is { } value)
            constants.InsertBehind(value, inverse, rank, Layers.Select(layer => new Edge(layer.Edge.Node, 0)));
        else
            constants.InsertBefore(_restored, factors, rank);
    }
}
