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

public sealed class MinMaxCalibratorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Measures_inputs_constants_activations_and_outputs(long batch)
    {
        var data = new DataFile(_folder).Floats("x", [3, 2], -5, 1, 0, 2, 3, 8).Open();

        var ranges = MinMaxCalibrator.Calibrate(Chain(batch), ["x", "c", "relu", "y"], data, default);

        Assert.Equal(new TensorRange(-5, 8), ranges["x"]);
        Assert.Equal(new TensorRange(-0.5f, 0.25f), ranges["c"]);
        Assert.Equal(new TensorRange(0, 8), ranges["relu"]);
        Assert.Equal(new TensorRange(-0.5f, 8.25f), ranges["y"]);
        Assert.Equal(4, ranges.Count);
    }

    [Fact]
    public void Leaves_the_model_as_it_is()
    {
        var model = Chain(0);
        var before = model.Clone().Proto;

        MinMaxCalibrator.Calibrate(model, ["relu"], new DataFile(_folder).Floats("x", [1, 2], 1, 2).Open(), default);

        Assert.Equal(before, model.Proto);
    }

    [Theory]
    [InlineData("bev-vit", "torchscript")]
    [InlineData("bev-vit", "dynamo")]
    [InlineData("neck-cnn", "torchscript-bn")]
    public void Agrees_with_a_brute_force_search_over_every_activation(string name, string exporter)
    {
        var model = OnnxModel.Load(Fixtures.Path(name, "onnx", exporter, "model.onnx"));
        var data = SampleSet.Open(Fixtures.Path(name, "reference", "shanghai.safetensors"));
        var tensors = model.Graph.Node.Where(node => node.OpType is "MatMul" or "Conv" or "Gemm" or "LayerNormalization" or "Softmax")
            .Select(node => node.Output[0]).ToList();

        var ranges = MinMaxCalibrator.Calibrate(model, tensors, data, default);

        var exposed = model.Clone();
        exposed.Graph.Output.Clear();
        exposed.Graph.Output.AddRange(tensors.Select(tensor => new ValueInfoProto { Name = tensor }));
        using var session = OnnxSession.Open(exposed, SessionSettings.AsWritten);
        foreach (var (tensor, block) in session.Run(data, 0, data.Count))
        {
            Assert.Equal(block.Values.Min(), ranges[tensor].Min, 1e-4f);
            Assert.Equal(block.Values.Max(), ranges[tensor].Max, 1e-4f);
        }
    }

    [Fact]
    public void Gives_the_same_ranges_every_time()
    {
        var model = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));
        var data = SampleSet.Open(Fixtures.Path("bev-vit", "calibration", "chengdu.safetensors"));
        var tensors = model.Graph.Node.Where(node => node.OpType == "MatMul").Select(node => node.Output[0]).ToList();

        Assert.Equal(
            MinMaxCalibrator.Calibrate(model, tensors, data, default),
            MinMaxCalibrator.Calibrate(model, tensors, data, default));
    }

    [Fact]
    public void Names_every_tensor_that_becomes_nan_or_infinite()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 2).Node("Sqrt", "x", "root").Node("Log", "x", "log")
            .Node("Abs", "x", "y").Output("y", DataType.Float, 0, 2).Build();
        var data = new DataFile(_folder).Floats("x", [2, 2], 1, 0, 4, -1).Open();

        // log becomes both; with runs going on at once nobody can say which came first, so NaN is named.
        var error = Assert.Throws<LoraOpsException>(() => MinMaxCalibrator.Calibrate(model, ["root", "log", "y"], data, default));

        Assert.Equal(2, error.Problems.Count);
        Assert.All(error.Problems, problem => Assert.Equal(ProblemCode.ActivationNotFinite, problem.Code));
        Assert.Contains("'root' becomes NaN", error.Problems[0].What, StringComparison.Ordinal);
        Assert.Contains("'log' becomes NaN", error.Problems[1].What, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_a_tensor_that_becomes_infinite()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 2).Node("Log", "x", "log").Node("Abs", "x", "y").Output("y", DataType.Float, 0, 2).Build();
        var data = new DataFile(_folder).Floats("x", [2, 2], 1, 0, 4, 1).Open();

        var error = Assert.Throws<LoraOpsException>(() => MinMaxCalibrator.Calibrate(model, ["log"], data, default));

        Assert.Contains("'log' becomes infinite", Assert.Single(error.Problems).What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_without_elements_is_zero()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 2).Longs("none", [0]).Longs("axis", [1], 1)
            .Node("Gather", "x none", "empty", SmallModel.Int("axis", 1)).Node("Neg", "x", "y").Output("y", DataType.Float, 0, 2).Build();

        var ranges = MinMaxCalibrator.Calibrate(model, ["empty"], new DataFile(_folder).Floats("x", [1, 2], 1, 2).Open(), default);

        Assert.Equal(new TensorRange(0, 0), ranges["empty"]);
    }

    [Fact]
    public void Refuses_data_that_do_not_fit()
    {
        var data = new DataFile(_folder).Floats("z", [1, 2], 1, 2).Open();

        var error = Assert.Throws<LoraOpsException>(() => MinMaxCalibrator.Calibrate(Chain(0), ["relu"], data, default));

        Assert.Equal(ProblemCode.InputMissing, Assert.Single(error.Problems).Code);
    }

    [Fact]
    public void Stops_when_it_is_asked_to()
    {
        var data = new DataFile(_folder).Floats("x", [1, 2], 1, 2).Open();

        Assert.Throws<OperationCanceledException>(() => MinMaxCalibrator.Calibrate(Chain(0), ["relu"], data, new CancellationToken(true)));
    }

    [Fact]
    public void A_name_that_the_model_does_not_have_is_a_mistake_of_the_caller()
    {
        var data = new DataFile(_folder).Floats("x", [1, 2], 1, 2).Open();

        Assert.Throws<ArgumentException>(() => MinMaxCalibrator.Calibrate(Chain(0), ["nothing"], data, default));
    }

    private static OnnxModel Chain(long batch) => new SmallModel()
        .Input("x", DataType.Float, batch, 2)
        .Floats("c", [2], -0.5f, 0.25f)
        .Node("Relu", "x", "relu")
        .Node("Add", "relu c", "y")
        .Output("y", DataType.Float, batch, 2).Build();
}
