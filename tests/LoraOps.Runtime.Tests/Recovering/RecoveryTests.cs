using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Recovering;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Recovering;

public sealed class RecoveryTests
{
    private static readonly ChipProfile Chip = ChipProfiles.Find("x64-vnni") with { Names = NamePolicy.Full };

    public static TheoryData<string, string> Models => new()
    {
        { "bev-vit", "torchscript" },
        { "bev-vit", "dynamo" },
        { "neck-cnn", "torchscript" },
        { "neck-cnn", "dynamo-noopt" },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void The_float_model_computes_what_it_did(string name, string exporter)
    {
        var (model, data) = Open(name, exporter);
        foreach (var settings in new[]
        {
            new RecoverySettings { Smooth = new SmoothSettings(null) },
            new RecoverySettings { Smooth = new SmoothSettings(0.5) },
            new RecoverySettings { Smooth = new SmoothSettings(0.7, MayInsert: true), Equalize = true },
        })
        {
            var recovery = For(model, settings, data);
            var balanced = recovery.Balance(model, default);
            Assert.NotEmpty(recovery.Report.Smoothed);
            var (before, after) = (Logits(model, data), Logits(balanced, data));
            var largest = before.Max(Math.Abs);
            Assert.All(before.Zip(after), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1e-5f * largest));
        }
    }

    [Fact]
    public void Query_key_and_value_share_their_factors_and_fold_into_the_norm()
    {
        var (model, data) = Open("bev-vit", "torchscript");
        var recovery = For(model, new RecoverySettings { Smooth = new SmoothSettings(0.5) }, data);

        recovery.Balance(model, default);

        Assert.Equal(8, recovery.Report.Smoothed.Count);
        var first = recovery.Report.Smoothed[0];
        Assert.Equal(3, first.Layers.Count);
        Assert.Equal(["/vit/layers.0/layernorm_before/LayerNormalization"], first.FoldedInto);
        Assert.Empty(recovery.Report.FloatNodes);
    }

    [Fact]
    public void Equalised_layers_have_equal_ranges()
    {
        var (model, data) = Open("neck-cnn", "torchscript");
        var recovery = For(model, new RecoverySettings { Equalize = true }, data);

        var balanced = recovery.Balance(model, default);

        Assert.Contains(recovery.Report.Equalized, pair => pair.Before.Single().Contains("depthwise", StringComparison.Ordinal));
        var index = new GraphIndex(balanced);
        foreach (var pair in recovery.Report.Equalized)
        {
            var scaling = ChannelScaling.Find(balanced, index, balanced.Graph.Node.Single(node => node.Name == pair.After[0]), mayInsert: false)!;
            var (made, read) = (new float[scaling.Channels], new float[scaling.Channels]);
            foreach (var operand in scaling.Above.Where(operand => operand.Edge.Input == 1))
                operand.Magnitudes(balanced.Read(operand.Tensor).ToFloats(), made);

            foreach (var operand in scaling.Layers)
                operand.Magnitudes(balanced.Read(operand.Tensor).ToFloats(), read);

            Assert.All(made.Zip(read), ranges => Assert.InRange(ranges.First / ranges.Second, 0.99f, 1.01f));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void No_layer_is_rounded_worse_than_to_the_nearest(string name, string exporter)
    {
        var (model, data) = Open(name, exporter);
        var ranges = Ranges(model, data);
        foreach (var method in new[] { RoundingMethod.Gptq, RoundingMethod.AdaRound })
        {
            // AdaRound takes seconds a layer.
            var weights = StaticQuantizer.WeightsOf(model, Chip, ranges).Take(method == RoundingMethod.AdaRound ? 2 : int.MaxValue).ToList();
            var (codes, layers) = WeightRounding.Run(model, weights, method, data, _ => { }, default);

            Assert.Equal(weights.Count, layers.Count);
            Assert.All(layers, layer => Assert.InRange(layer.Chosen, 0, layer.Nearest));
            Assert.InRange(layers.Average(layer => layer.Gain), 1, 60);
            Assert.All(weights, weight => Assert.Equal(weight.Values.Length, codes[weight.Node.Name].Length));
            StaticQuantizer.Quantize(model, Chip, ranges, new QuantizationSettings { Codes = codes });
        }
    }

    [Fact]
    public void Corrected_biases_bring_the_mean_of_the_outputs_back()
    {
        var (model, data) = Open("neck-cnn", "torchscript");
        var ranges = Ranges(model, data);
        Quantization Quantize(OnnxModel prepared) => StaticQuantizer.Quantize(prepared, Chip, ranges);

        var (corrected, layers) = BiasCorrection.Run(model, Quantize, data, (_, _) => { }, default);

        Assert.InRange(layers.Count, 6, 8);
        var wanted = Means(Logits(model, data));
        var (before, after) = (Means(Logits(Quantize(model).Model, data)), Means(Logits(Quantize(corrected).Model, data)));
        Assert.InRange(Distance(after, wanted), 0, 0.35 * Distance(before, wanted));
    }

    [Fact]
    public void The_same_request_gives_the_same_bytes()
    {
        var (model, data) = Open("neck-cnn", "torchscript");
        var request = new QuantizationRequest
        {
            Chip = Chip,
            Calibration = data,
            Recovery = new RecoverySettings { Smooth = new SmoothSettings(null), CorrectBias = true, Rounding = RoundingMethod.Gptq },
        };
        var first = QuantizationRun.Run(model, request, WorkStages.Silent, default);
        var second = QuantizationRun.Run(model, request, WorkStages.Silent, default);

        Assert.Equal(first.Quantization.Model.Proto, second.Quantization.Model.Proto);
        Assert.NotEmpty(first.Recovery.Smoothed);
        Assert.Equal(8, first.Recovery.Rounded.Count);
        Assert.NotEmpty(first.Recovery.Corrected);
    }

    [Fact]
    [Raises(ProblemCode.RecoveryImpossible)]
    public void What_needs_samples_is_refused_without()
    {
        var (model, _) = Open("neck-cnn", "torchscript");
        var request = new QuantizationRequest { Chip = Chip, Recovery = new RecoverySettings { CorrectBias = true } };

        var refused = Assert.Throws<LoraOpsException>(() => QuantizationRun.Run(model, request, WorkStages.Silent, default));

        Assert.Equal(ProblemCode.RecoveryImpossible, refused.Problems.Single().Code);
        Assert.Contains("need samples", refused.Problems.Single().What, StringComparison.Ordinal);
    }

    private static Recovery For(OnnxModel model, RecoverySettings settings, SampleSet data) =>
        Recovery.For(model, new QuantizationRequest { Chip = Chip, Calibration = data, Recovery = settings }, WorkStages.Silent);

    private static (OnnxModel Model, SampleSet Data) Open(string name, string exporter) => (
        GraphPreparation.Prepare(OnnxModel.Load(Fixtures.Path(name, "onnx", exporter, "model.onnx"))),
        SampleSet.Open(Fixtures.Path(name, "reference", "shanghai.safetensors")));

    private static IReadOnlyDictionary<string, TensorRange> Ranges(OnnxModel model, SampleSet data) =>
        MinMaxCalibrator.Calibrate(model, StaticQuantizer.TensorsToCalibrate(model, Chip), data, default);

    private static float[] Logits(OnnxModel model, SampleSet data)
    {
        using var session = OnnxSession.Open(model, SessionSettings.AsWritten);
        return session.Run(data, 0, data.Count)["logits"].Values;
    }

    private static double[] Means(float[] logits) =>
        [.. Enumerable.Range(0, 10).Select(column => logits.Where((_, at) => at % 10 == column).Average(value => (double)value))];

    private static double Distance(double[] one, double[] other) => Math.Sqrt(one.Zip(other, (x, y) => (x - y) * (x - y)).Sum());
}
