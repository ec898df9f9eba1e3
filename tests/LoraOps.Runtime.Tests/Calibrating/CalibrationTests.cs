using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Calibrating;

public sealed class CalibrationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("minmax", null)]
    [InlineData("minmax", 0.1)]
    [InlineData("entropy", null)]
    [InlineData("percentile", null)]
    [InlineData("mse", null)]
    public void Ranges_do_not_depend_on_the_number_of_threads(string name, double? average)
    {
        var model = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));
        var data = SampleSet.Open(Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"));
        var tensors = Activations(model);
        var settings = new CalibrationSettings { Calibrator = Calibrators.Find(name)!, MovingAverage = average, Threads = 1 };

        var alone = Calibration.Run(model, tensors, data, settings, null, default);

        foreach (var threads in new[] { 2, 3, 8 })
        {
            var together = Calibration.Run(model, tensors, data, settings with { Threads = threads }, null, default);
            Assert.Equal(alone.Tensors.Select(Facts), together.Tensors.Select(Facts));
        }
    }

    [Theory]
    [InlineData("bev-vit", "torchscript")]
    [InlineData("neck-cnn", "torchscript-bn")]
    public void Minmax_and_percentile_are_those_of_the_recorded_values(string folder, string exporter)
    {
        var model = OnnxModel.Load(Fixtures.Path(folder, "onnx", exporter, "model.onnx"));
        var data = SampleSet.Open(Fixtures.Path(folder, "reference", "shanghai.safetensors"));
        var tensors = Activations(model);
        var settings = new CalibrationSettings { Calibrator = Calibrators.Percentile, Percentile = 99, Codes = CodeLevels.Symmetric8 };

        var ranges = Calibration.Run(model, tensors, data, settings, null, default);

        var exposed = model.Clone();
        exposed.Graph.Output.Clear();
        exposed.Graph.Output.AddRange(tensors.Select(tensor => new ValueInfoProto { Name = tensor }));
        using var session = OnnxSession.Open(exposed, SessionSettings.AsWritten);
        foreach (var (name, block) in session.Run(data, 0, data.Count))
        {
            var tensor = ranges.Tensors.Single(one => one.Name == name);
            Assert.Equal(block.Values.Min(), tensor.Observed.Min, 1e-4f);
            Assert.Equal(block.Values.Max(), tensor.Observed.Max, 1e-4f);
            var magnitudes = block.Values.Select(Math.Abs).Order().ToArray();
            var width = 2 * magnitudes[^1] / CalibrationSettings.FewestBins;
            Assert.Equal(magnitudes[(int)(0.99 * magnitudes.Length)], Math.Max(tensor.Range.Max, -tensor.Range.Min), Math.Max(width, 0.01 * magnitudes[^1]));
        }
    }

    [Fact]
    public void Samples_of_different_lengths_count_like_the_same_samples_one_by_one()
    {
        Directory.CreateDirectory(_folder["ragged"]);
        var rows = new List<float>();
        for (var i = 0; i < 9; i++)
        {
            // Lengths 3, 3, 5, 5, 5, 2 …: some follow one of their own size.
            var length = new[] { 3, 3, 5, 5, 5, 2, 7, 7, 3 }[i];
            float[] values = [.. Enumerable.Range(0, length).Select(at => MathF.Sin((7 * i) + at) * (i + 1))];
            rows.AddRange(values);
            new DataFile(_folder, $"ragged/{i}.safetensors").Floats("x", [1, length], values).Open();
        }

        var data = SampleSet.Open(_folder["ragged"]);
        var model = new SmallModel().Input("x", DataType.Float, 0, -1).Floats("c", [], 2).Node("Mul", "x c", "y").Output("y", DataType.Float, 0, -1).Build();
        var settings = new CalibrationSettings { Calibrator = Calibrators.Percentile, Percentile = 95, Threads = 3 };

        var range = Assert.Single(Calibration.Run(model, ["y"], data, settings, null, default).Tensors);

        // Filled up with zeros there would be more values than these, and another share of them would be clipped.
        var seen = new TensorHistogram(settings.Bins);
        seen.Add([.. rows.Select(value => 2 * value)]);
        Assert.True(data.IsRagged);
        Assert.Equal(9, data.Count);
        Assert.Equal(5, data.Groups.Count);
        Assert.Equal(seen.Observed, range.Observed);
        Assert.Equal(Calibrators.Percentile.Choose(seen, settings), range.Range);
    }

    [Fact]
    public void A_moving_average_takes_the_samples_in_their_order()
    {
        float[] values = [.. Values.Of("bell", 60, seed: 1)];
        var data = new DataFile(_folder).Floats("x", [20, 3], values).Open();
        var settings = new CalibrationSettings { MovingAverage = 0.25, Threads = 4 };

        var range = Calibration.Run(SmallModel.Shift(0).Build(), ["y"], data, settings, null, default).Ranges["y"];

        var (min, max) = ((double)values[..3].Min(), (double)values[..3].Max());
        for (var i = 1; i < 20; i++)
        {
            var sample = values[(3 * i)..((3 * i) + 3)];
            (min, max) = (min + (0.25 * (sample.Min() - min)), max + (0.25 * (sample.Max() - max)));
        }

        Assert.Equal(new TensorRange((float)min, (float)max), range);
    }

    [Fact]
    public void Tells_how_many_samples_are_done_and_ends_with_all()
    {
        var data = new DataFile(_folder).Floats("x", [100, 3], Values.Of("bell", 300, seed: 2)).Open();
        var told = new List<int>();

        Calibration.Run(SmallModel.Shift(0).Build(), ["y"], data, new CalibrationSettings { Threads = 4 }, told.Add, default);

        Assert.Equal(told.Order(), told);
        Assert.Equal(100, told[^1]);
        Assert.True(told.Count > 4);
    }

    [Fact]
    public void Of_several_failures_the_first_sample_s_is_told_with_any_number_of_threads()
    {
        var model = new SmallModel().Input("x", DataType.Int64, 0, 1).Floats("t", [4], 1, 2, 3, 4)
            .Node("Gather", "t x", "y").Output("y", DataType.Float, 0, 1).Build();
        var numbers = Enumerable.Repeat(0L, 200).ToArray();
        (numbers[90], numbers[170]) = (77, 99);
        var data = new DataFile(_folder).Longs("x", [200, 1], numbers).Open();

        foreach (var threads in new[] { 1, 8 })
        {
            var error = Assert.Throws<LoraOpsException>(() =>
                Calibration.Run(model, ["y"], data, new CalibrationSettings { Threads = threads }, null, default));
            Assert.Contains("77", Assert.Single(error.Problems).What, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nodes_that_no_wanted_tensor_needs_are_not_run()
    {
        // The second node would fail on any sample.
        var model = new SmallModel().Input("x", DataType.Float, 0, 2).Longs("far", [1], 9).Node("Neg", "x", "y")
            .Node("Gather", "y far", "z", SmallModel.Int("axis", 1)).Output("z", DataType.Float, 0, 1).Build();
        var data = new DataFile(_folder).Floats("x", [1, 2], 1, 2).Open();

        Assert.Equal(new TensorRange(-2, -1), Calibration.Run(model, ["y"], data, new CalibrationSettings(), null, default).Ranges["y"]);
    }

    [Theory]
    [InlineData("bins")]
    [InlineData("percentile")]
    [InlineData("average")]
    [InlineData("average of percentile")]
    public void Refuses_settings_that_mean_nothing(string what)
    {
        var settings = what switch
        {
            "bins" => new CalibrationSettings { Bins = 128 },
            "percentile" => new CalibrationSettings { Percentile = double.NaN },
            "average" => new CalibrationSettings { MovingAverage = 1.5 },
            _ => new CalibrationSettings { MovingAverage = 0.5, Calibrator = Calibrators.Percentile },
        };
        var data = new DataFile(_folder).Floats("x", [1, 3], 1, 2, 3).Open();

        Assert.ThrowsAny<ArgumentException>(() => Calibration.Run(SmallModel.Shift(0).Build(), ["y"], data, settings, null, default));
    }

    private static (string Name, TensorRange Range, TensorRange Observed) Facts(CalibratedTensor tensor) => (tensor.Name, tensor.Range, tensor.Observed);

    private static List<string> Activations(OnnxModel model) => [.. model.Graph.Node
        .Where(node => node.OpType is "MatMul" or "Conv" or "Gemm" or "LayerNormalization" or "Softmax" or "Relu").Select(node => node.Output[0])];
}
