using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Turns each planned node to its quantized form, in graph order.</summary>
internal sealed class NodeRewriter(OnnxModel model, ChipProfile chip, QuantizationPlan plan, ActivationMappings activations)
{
    private readonly QdqWriter _writer = new(model, chip);

    /// <summary>A node's weight, with Gemm's alpha multiplied in.</summary>
    public static QuantizedWeight ReadWeight(WeightedNode node, OnnxModel model, ChipProfile chip) => new(
        model.Read(WeightOf(node)), node.Node.Float("alpha", 1), PerChannelAxis(node, chip), chip.Weights.ReducedRange);

    /// <summary>A node's bias with one value per output channel, Gemm's beta multiplied in; null where it has none or keeps it as it is.</summary>
    public static float[]? ReadBias(WeightedNode node, QuantizationPlan plan, OnnxModel model, ChipProfile chip)
    {
        if (chip.Bias != BiasPolicy.Int32 || plan.BiasOf(node) is not { } tensor)
            return null;

        var values = model.Read(tensor).ToFloats();
        var factor = node.Node.Float("beta", 1);
        var bias = new float[(int)node.OutputChannels];
        for (var i = 0; i < bias.Length; i++)
            bias[i] = values[i % values.Length] * factor;

        return bias;
    }

    /// <summary>Rewrites the graph.</summary>
    /// <param name="weights">One for each node that the plan quantizes, in its order.</param>
    public IReadOnlyList<QuantizedNode> Run(IReadOnlyList<QuantizedWeight> weights)
    {
        foreach (var output in plan.Outputs)
            _writer.Output(output, plan.PrecisionOf(output), activations.Of(output.Value, plan.PrecisionOf(output)));

        var next = 0;
        var nodes = new List<QuantizedNode>();
        foreach (var node in plan.Nodes)
        {
            var entry = new QuantizedNode(node.Name, node.Node.OpType, node.Node.Input[1], node.Reason)
            {
                Activation = node.Activation,
                Precision = plan.PrecisionOf(node.Node),
            };
            nodes.Add(node.Reason is null ? Rewrite(node, entry, weights[next++]) : entry);
        }

        foreach (var one in plan.Operators)
            Rewrite(one);

        _writer.Finish();
        return nodes;
    }

    private void Rewrite(QuantizedOperator one)
    {
        var precision = one.Precision;
        for (var i = 0; i < one.Node.Input.Count; i++)
        {
            var value = one.Node.Input[i];
            if (one.Inputs.Contains(value))
                one.Node.Input[i] = _writer.Activation(value, plan.ProducerOf(value), precision, activations.Of(value, precision));
            else if (one.Constants.Contains(value) && plan.ConstantOf(value) is { } constant)
                one.Node.Input[i] = _writer.Constant(one.Node, constant, precision);
        }
    }

    private QuantizedNode Rewrite(WeightedNode planned, QuantizedNode entry, QuantizedWeight weight)
    {
        var node = planned.Node;
        var precision = plan.PrecisionOf(node);
        var activation = activations.Of(planned.Activation, precision);
        if (ReadBias(planned, plan, model, chip) is { } bias)
        {
            node.Input[2] = _writer.Bias(node, planned.Bias, bias, activation.Scale, weight);
            node.Unset("beta");
        }

        var factor = node.Float("alpha", 1);
        node.Unset("alpha");
        node.Input[1] = _writer.Weight(node, WeightOf(planned), weight, factor);
        node.Input[0] = _writer.Activation(planned.Activation, plan.ProducerOf(planned.Activation), precision, activation);
        return entry with
        {
            ActivationScale = activation.Scale,
            ActivationZeroPoint = activation.ZeroPoint,
            WeightAxis = weight.Axis,
            WeightScales = weight.Scales,
        };
    }

    // With groups the axis of a transposed convolution's outputs counts only those of one group.
    private static int? PerChannelAxis(WeightedNode node, ChipProfile chip) =>
        chip.Weights.IsPerChannel(node.Node.OpType) && !(node.Node.OpType == "ConvTranspose" && node.Node.Integer("group", 1) > 1)
            ? node.OutputAxis
            : null;

    private static TensorProto WeightOf(WeightedNode node) => node.Weight
        ?? throw new InvalidOperationException($"{node.Name} was planned without a weight.");
}
