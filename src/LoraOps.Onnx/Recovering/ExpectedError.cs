using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Quantizing;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Recovering;

/// <summary>
/// The squared error that quantizing an activation and the weights it meets puts on the outputs of its layers: what rounding each weight
/// really does to it, times the channel's mean square; and Δ²/12 for each activation, times the square of its weights.
/// </summary>
internal sealed class ExpectedError(ChipProfile chip, ChannelStatistics activations)
{
    /// <summary>A layer that reads the activation.</summary>
    /// <param name="Operand">Its weight.</param>
    /// <param name="Values">The weight's elements.</param>
    /// <param name="OutputAxis">The dimension of its output channels.</param>
    internal sealed record Layer(ScaledOperand Operand, float[] Values, int OutputAxis);

    /// <summary>The error if the channels are divided by these factors.</summary>
    public double Of(IReadOnlyList<Layer> layers, double[] factors)
    {
        var (min, max) = (0.0, 0.0);
        for (var channel = 0; channel < factors.Length; channel++)
        {
            min = Math.Min(min, activations.Min[channel] / factors[channel]);
            max = Math.Max(max, activations.Max[channel] / factors[channel]);
        }

        var (range, scheme) = (new TensorRange((float)min, (float)max), chip.Activations);
        var step = (double)ActivationCodes.Of(scheme, chip.Precisions[0]).Map(range, scheme.MinRealRange).Scale;
        return layers.Sum(layer => Of(layer, factors, step * step / 12));
    }

    private double Of(Layer layer, double[] factors, double noise)
    {
        var (values, squares) = ((float[])layer.Values.Clone(), new double[factors.Length]);
        layer.Operand.Multiply(values, factors);
        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        var weight = new QuantizedWeight(
            new BufferTensor(layer.Operand.Tensor.Name, ElementType.F32, new TensorShape([.. layer.Operand.Tensor.Dims]), bytes),
            1,
            chip.Weights.IsPerChannel(layer.Operand.Edge.Node.OpType) ? layer.OutputAxis : null,
            chip.Weights.ReducedRange);
        var channelRun = 1;
        for (var i = layer.OutputAxis + 1; i < layer.Operand.Tensor.Dims.Count; i++)
            channelRun *= (int)layer.Operand.Tensor.Dims[i];

        layer.Operand.Visit((at, run, channel) =>
        {
            var mean = activations.Square[channel] / (factors[channel] * factors[channel]);
            for (var i = at; i < at + run; i++)
            {
                double scale = weight.Scales[i / channelRun % weight.Scales.Length];
                var error = (Math.Round(values[i] / scale, MidpointRounding.ToEven) * scale) - values[i];
                squares[channel] += (error * error * mean) + (noise * values[i] * values[i]);
            }
        });
        return squares.Sum();
    }
}
