using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Layers;

/// <summary>The constant weight of one layer of a float or quantized model, outputs first whatever the graph's own orientation.</summary>
public sealed class LayerWeight
{
    private readonly OnnxModel _model;
    private readonly WeightStore _store;

    internal LayerWeight(OnnxModel model, NodeProto node, WeightStore store)
    {
        _model = model;
        _store = store;
        Node = node;
    }

    /// <summary>The node that multiplies, convolves or looks up.</summary>
    public NodeProto Node { get; }

    /// <summary>The node's name, or its output's if it has none.</summary>
    public string Name => Node.Name.Length > 0 ? Node.Name : Node.Output[0];

    /// <summary>The name of the stored weight or of its codes.</summary>
    public string Stored => _store.Tensor.Name;

    /// <summary>[out, in, kernel…]; [vocabulary, dim] of an embedding.</summary>
    public TensorShape Shape => _store.Layout.Rows;

    /// <summary>True if the layer computes with a weight of integers.</summary>
    public bool IsQuantized => _store.Codes is not null;

    /// <summary>The type of what is computed with: <c>int8</c>, <c>uint4</c>, <c>fp16</c>, <c>float</c> and so on.</summary>
    public string Precision => _store.Precision;

    /// <summary>The numbers, dequantized, row-major in <see cref="Shape"/>.</summary>
    /// <exception cref="LoraOps.Problems.LoraOpsException">What is stored does not fit its dimensions.</exception>
    public float[] Values() => Codes() is { } codes ? codes.Values() : Scaled(_store.Layout.ToRows<float>(_model.Read(_store.Tensor).ToFloats()));

    /// <summary>The integers and how they become numbers; null in float.</summary>
    /// <exception cref="LoraOps.Problems.LoraOpsException">What is stored does not fit its dimensions.</exception>
    public WeightCodes? Codes() => _store.Codes?.Read(_model, _store);

    private float[] Scaled(float[] values)
    {
        for (var i = 0; _store.Factor != 1 && i < values.Length; i++)
            values[i] *= _store.Factor;

        return values;
    }
}
