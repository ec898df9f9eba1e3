using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Recovering;

/// <summary>A value between two layers whose channels were equalised.</summary>
/// <param name="Value">Its name.</param>
/// <param name="Before">The layers that make it.</param>
/// <param name="After">The layers that read it.</param>
/// <param name="Largest">The largest factor.</param>
/// <param name="Smallest">The smallest.</param>
public sealed record EqualizedValue(string Value, IReadOnlyList<string> Before, IReadOnlyList<string> After, double Largest, double Smallest);

/// <summary>
/// Cross-layer equalisation, Nagel et al. 2019 (arXiv 1906.04721): between two layers with only positively homogeneous operators between them,
/// channel i is divided by s_i = sqrt(r1_i ÷ r2_i), where r1 is the largest magnitude of the weights that make it and r2 of those that read it.
/// Repeated until nothing moves. What the model computes stays.
/// </summary>
public static class Equalization
{
    private const int MostSweeps = 40;
    private const double Settled = 1e-3;

    /// <summary>Equalises a model in place.</summary>
    /// <param name="model">A float model whose constants are folded.</param>
    /// <param name="chip">The chip: layers that it keeps in float are no reason to equalise.</param>
    /// <returns>Each value between two layers, in graph order.</returns>
    public static IReadOnlyList<EqualizedValue> Apply(OnnxModel model, ChipProfile chip)
    {
        var index = new GraphIndex(model);
        var constants = new ConstantEditor(model, index);
        var pairs = WeightedNodes.Find(model, index, chip).Where(node => node.Reason is null)
            .DistinctBy(node => node.Activation, StringComparer.Ordinal)
            .Select(node => ChannelScaling.Find(model, index, node.Node, mayInsert: false))
            .OfType<ChannelScaling>()
            .Where(scaling => scaling.Above.Any(IsWeight))
            .Select(scaling => new Pair(scaling))
            .ToList();
        var shadow = new Shadow(constants);
        for (var sweep = 0; sweep < MostSweeps; sweep++)
        {
            if (pairs.Aggregate(0.0, (most, pair) => Math.Max(most, pair.Step(shadow))) < Settled)
                break;
        }

        foreach (var pair in pairs)
            pair.Scaling.Apply(constants, pair.Factors);

        return [.. pairs.Select(pair => pair.Describe())];
    }

    internal static bool IsWeight(ScaledOperand operand) => operand.Edge.Input == 1 && operand.Edge.Node.Is("Conv", "MatMul", "Gemm");

    private sealed class Pair(ChannelScaling scaling)
    {
        public ChannelScaling Scaling => scaling;

        public double[] Factors { get; } = [.. Enumerable.Repeat(1.0, scaling.Channels)];

        // How far the factors moved, as a ratio.
        public double Step(Shadow shadow)
        {
            var (made, read) = (shadow.Magnitudes(scaling.Above.Where(IsWeight), Factors.Length), shadow.Magnitudes(scaling.Layers, Factors.Length));
            var steps = new double[Factors.Length];
            var most = 0.0;
            for (var i = 0; i < steps.Length; i++)
            {
                steps[i] = made[i] > 0 && read[i] > 0 ? Math.Sqrt((double)made[i] / read[i]) : 1;
                Factors[i] *= steps[i];
                most = Math.Max(most, Math.Abs(Math.Log(steps[i])));
            }

            shadow.Multiply(scaling.Above.Where(IsWeight), [.. steps.Select(step => 1 / step)]);
            shadow.Multiply(scaling.Layers, steps);
            return most;
        }

        public EqualizedValue Describe() => new(
            scaling.Value,
            [.. scaling.Above.Where(IsWeight).Select(operand => operand.Edge.Node.Name)],
            [.. scaling.Layers.Select(operand => operand.Edge.Node.Name)],
            Factors.Max(),
            Factors.Min());
    }

    // The weights as they will be: they are written once, so that they are rounded once.
    private sealed class Shadow(ConstantEditor constants)
    {
        private readonly Dictionary<Edge, float[]> _values = [];

        public float[] Magnitudes(IEnumerable<ScaledOperand> operands, int channels)
        {
            var magnitudes = new float[channels];
            foreach (var operand in operands)
                operand.Magnitudes(Values(operand.Edge), magnitudes);

            return magnitudes;
        }

        public void Multiply(IEnumerable<ScaledOperand> operands, double[] factors)
        {
            foreach (var operand in operands)
                operand.Multiply(Values(operand.Edge), factors);
        }

        private float[] Values(Edge edge) => _values.TryGetValue(edge, out var values) ? values : _values[edge] = constants.Read(edge);
    }
}
