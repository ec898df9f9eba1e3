using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Layers;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Layers;

public sealed class LayerParityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Numbers_of_a_layer_are_those_worked_out_by_hand()
    {
        var (model, data) = (Two(), Data(12));
        var candidate = Quantized(model, data);

        var layer = LayerParity.Measure(model, candidate, data, default)[0];

        var x = data.Find("x")!.ToFloats();
        var node = candidate.Graph.Node.First(other => other.Name == "first");
        var input = LayerInput.Of(candidate, new GraphIndex(candidate), node);
        var (signal, noise) = (0.0, 0.0);
        foreach (var value in x)
        {
            var code = Math.Clamp(Math.Round(value / (double)input.Scale) + input.Zero, 0, 255);
            var back = (code - input.Zero) * input.Scale;
            signal += (double)value * value;
            noise += (value - back) * (value - back);
        }

        Assert.Equal(("first", "MatMul", "int8"), (layer.Node, layer.Op, layer.Precision));
        Assert.Equal(10 * Math.Log10(signal / noise), layer.ActivationSqnr!.Value, 9);
        Assert.Equal(Sqnr(LayerWeights.Find(candidate)[0].Values(), LayerWeights.Find(model)[0].Values()), layer.WeightSqnr!.Value, 9);
        Assert.Equal(-input.Zero * (double)input.Scale, layer.RangeMin, 12);
        Assert.Equal(x.Max(Math.Abs) / Math.Sqrt(x.Sum(value => (double)value * value) / x.Length), layer.PeakToRms!.Value, 12);
        Assert.Equal(x.Length, layer.ValueHistogram!.Counts.Sum());
        Assert.Equal(0, layer.ClipShare);
        Assert.Empty(layer.Warnings);
    }

    [Fact]
    public void The_output_of_the_last_layer_is_the_models()
    {
        var (model, data) = (Two(), Data(12));
        var candidate = Quantized(model, data);

        var layer = LayerParity.Measure(model, candidate, data, default)[^1];

        Assert.Equal("second", layer.Node);
        Assert.Equal(Sqnr(Outputs(candidate, data), Outputs(model, data)), layer.OutputSqnr!.Value, 4);
        Assert.Equal(12 * 4, layer.ErrorHistogram!.Counts.Sum());
    }

    [Fact]
    public void Values_beyond_the_calibrated_range_are_counted_and_outliers_named()
    {
        var model = Two();
        var candidate = Quantized(model, Data(12));
        var values = new float[12 * 8];
        values[3] = 100;
        values[7] = 0.25f;

        var layer = LayerParity.Measure(model, candidate, new DataFile(_folder, "wide.safetensors").Floats("x", [12, 8], values).Open(), default)[0];

        Assert.Equal(1 / 96.0, layer.ClipShare, 12);
        Assert.True(layer.PeakToRms > 9);
        Assert.Contains(layer.Warnings, warning => warning.StartsWith("input far below", StringComparison.Ordinal));
    }

    [Fact]
    public void A_lifted_layer_is_exact_and_a_lost_one_is_named()
    {
        var (model, data) = (Two(), Data(12));
        var request = new QuantizationRequest
        {
            Chip = ChipProfiles.Find("x64-vnni"),
            Calibration = data,
            Precisions = new Dictionary<string, LayerPrecision> { ["first"] = LayerPrecision.Float },
        };
        var candidate = QuantizationRun.Run(model, request, WorkStages.Silent, default).Quantization.Model;

        var lifted = LayerParity.Measure(model, candidate, data, default)[0];
        var lost = LayerParity.Measure(model, Quantized(Two(seed: 9, prefix: "other_"), data), data, default)[0];

        Assert.Equal("float", lifted.Precision);
        Assert.Equal(double.PositiveInfinity, lifted.WeightSqnr);
        Assert.Null(lifted.ActivationSqnr);
        Assert.Equal("unknown", lost.Precision);
        Assert.Single(lost.Warnings);
    }

    [Fact]
    public void Histograms_do_not_depend_on_the_order_of_values()
    {
        var values = Enumerable.Range(0, 1000).Select(i => Math.Sin(i) * Math.Pow(1.01, i)).ToArray();
        var (forth, back) = (new GrowingHistogram(), new GrowingHistogram());
        foreach (var value in values)
            forth.Add(value);

        foreach (var value in values.Reverse())
            back.Add(value);

        var (one, other) = (forth.Result()!, back.Result()!);
        Assert.Equal(one.Counts, other.Counts);
        Assert.Equal((one.Min, one.Max), (other.Min, other.Max));
        Assert.Equal(1000, one.Counts.Sum());
        var width = (one.Max - one.Min) / one.Counts.Count;
        for (var i = 0; i < one.Counts.Count; i++)
            Assert.Equal(values.Count(value => Math.Floor((value - one.Min) / width) == i), one.Counts[i]);
    }

    private static OnnxModel Two(int seed = 2, string prefix = "")
    {
        var random = new Random(seed);
        return new SmallModel()
            .Input("x", DataType.Float, 0, 8)
            .Floats("a", [8, 16], [.. Enumerable.Range(0, 128).Select(_ => random.NextSingle() - 0.5f)])
            .Floats("b", [16, 4], [.. Enumerable.Range(0, 64).Select(_ => random.NextSingle() - 0.5f)])
            .Named(prefix + "first", "MatMul", "x a", "h")
            .Named("tanh", "Tanh", "h", "t")
            .Named(prefix + "second", "MatMul", "t b", "y")
            .Output("y", DataType.Float, 0, 4)
            .Build();
    }

    private static OnnxModel Quantized(OnnxModel model, SampleSet data) => QuantizationRun.Run(
        model, new QuantizationRequest { Chip = ChipProfiles.Find("x64-vnni"), Calibration = data }, WorkStages.Silent, default).Quantization.Model;

    private SampleSet Data(int samples)
    {
        var random = new Random(4);
        var file = new DataFile(_folder, $"{Guid.NewGuid()}.safetensors");
        return file.Floats("x", [samples, 8], [.. Enumerable.Range(0, samples * 8).Select(_ => (random.NextSingle() * 2) - 1)]).Open();
    }

    private static float[] Outputs(OnnxModel model, SampleSet data)
    {
        using var session = OnnxSession.Open(model, SessionSettings.AsWritten);
        return session.Run(data, 0, data.Count)["y"].Values;
    }

    private static double Sqnr(float[] mine, float[] theirs)
    {
        var (signal, noise) = (0.0, 0.0);
        for (var i = 0; i < mine.Length; i++)
        {
            signal += (double)theirs[i] * theirs[i];
            noise += ((double)mine[i] - theirs[i]) * ((double)mine[i] - theirs[i]);
        }

        return 10 * Math.Log10(signal / noise);
    }
}
