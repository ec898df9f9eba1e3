using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Sessions;

public sealed class OnnxSessionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lists_inputs_and_outputs_with_types_and_free_dimensions()
    {
        using var session = OnnxSession.Open(Fixtures.Path("voice-gpt2", "onnx", "torchscript", "model.onnx"));

        Assert.Equal(["input_ids", "attention_mask"], session.Inputs.Select(input => input.Name));
        Assert.All(session.Inputs, input => Assert.Equal(ElementType.I64, input.Type));
        var output = Assert.Single(session.Outputs);
        Assert.Equal("F32 [batch, sequence, 128]", output.ToString());
        Assert.Null(session.FixedBatch);
    }

    [Fact]
    public void Ignores_tensors_that_are_no_inputs()
    {
        using var session = OnnxSession.Open(SmallModel.Shift(1).Build());
        var data = Data().Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Longs("labels", [2], 0, 1).Open();

        Assert.Equal([2f, 3, 4, 5, 6, 7], session.Run(data, 0, 2)["y"].Values);
    }

    [Fact]
    public void Runs_the_samples_that_were_asked_for()
    {
        using var session = OnnxSession.Open(SmallModel.Shift(0).Build());
        var data = Data().Floats("x", [3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9).Open();

        var block = session.Run(data, 1, 1)["y"];

        Assert.Equal(new TensorShape(1, 3), block.Shape);
        Assert.Equal([4f, 5, 6], block.Values);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Runs_a_fixed_batch_as_often_as_needed_and_fills_the_last(int batch)
    {
        using var session = OnnxSession.Open(SmallModel.Shift(1, batch).Build());
        var data = Data().Floats("x", [3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9).Open();

        var block = session.Run(data, 0, 3)["y"];

        Assert.Equal(batch, session.FixedBatch);
        Assert.Equal(new TensorShape(3, 3), block.Shape);
        Assert.Equal([2f, 3, 4, 5, 6, 7, 8, 9, 10], block.Values);
    }

    [Fact]
    public void Reads_external_data_from_the_folder_of_the_model()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Floats("w", [3], 10, 20, 30)
            .Node("Add", "x w", "y").Output("y", DataType.Float, 0, 3).Build(_folder["model.onnx"]);
        var weight = model.Graph.Initializer[0];
        File.WriteAllBytes(_folder["weights.bin"], weight.RawData.ToByteArray());
        weight.ClearRawData();
        weight.DataLocation = DataLocation.External;
        weight.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "weights.bin" });
        model.Save(_folder["model.onnx"]);
        var data = Data().Floats("x", [1, 3], 1, 2, 3).Open();

        using var fromFile = OnnxSession.Open(_folder["model.onnx"]);
        using var fromMemory = OnnxSession.Open(OnnxModel.Load(_folder["model.onnx"]));

        Assert.Equal([11f, 22, 33], fromFile.Run(data, 0, 1)["y"].Values);
        Assert.Equal([11f, 22, 33], fromMemory.Run(data, 0, 1)["y"].Values);
    }

    [Fact]
    public void Gives_half_floats_and_integers_as_floats()
    {
        using var session = OnnxSession.Open(new SmallModel().Input("x", DataType.Float, 0, 2)
            .Node("Cast", "x", "half", SmallModel.Int("to", (long)DataType.Float16))
            .Node("ArgMax", "x", "place", SmallModel.Int("axis", 1), SmallModel.Int("keepdims", 0))
            .Output("half", DataType.Float16, 0, 2).Output("place", DataType.Int64, 0).Build());

        var outputs = session.Run(Data().Floats("x", [2, 2], 0.1f, 2, 3, -4).Open(), 0, 2);

        Assert.Equal([(float)(Half)0.1f, 2, 3, -4], outputs["half"].Values);
        Assert.Equal([1f, 0], outputs["place"].Values);
    }

    [Fact]
    public void Names_every_missing_input_and_every_wrong_shape()
    {
        using var session = OnnxSession.Open(new SmallModel()
            .Input("left", DataType.Float, 0, 3).Input("right", DataType.Float, 0, 3).Input("third", DataType.Float, 0, 3)
            .Node("Sum", "left right third", "y").Output("y", DataType.Float, 0, 3).Build());
        var data = Data().Floats("lft", [1, 3], 1, 2, 3).Floats("right", [1, 4], 1, 2, 3, 4).Floats("third", [1, 3, 1], 1, 2, 3).Open();

        var error = Assert.Throws<LoraOpsException>(() => session.Run(data, 0, 1));

        Assert.Equal(
            [ProblemCode.InputMissing, ProblemCode.InputShapeMismatch, ProblemCode.InputShapeMismatch],
            error.Problems.Select(problem => problem.Code));
        Assert.Contains("nearest: 'lft'", error.Problems[0].What, StringComparison.Ordinal);
        Assert.Contains("[1, 4], the model takes [batch, 3]", error.Problems[1].What, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_types_that_would_change_the_values()
    {
        using var session = OnnxSession.Open(SmallModel.Shift(0).Build());
        var data = Data().Add("x", ElementType.F64, [1, 3], 0.1, 0.2, 0.3).Open();

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => session.Run(data, 0, 1)).Problems);

        Assert.Equal(ProblemCode.InputTypeMismatch, problem.Code);
        Assert.Contains("'x' is F64, the model takes F32", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_batch_that_no_memory_holds()
    {
        using var session = OnnxSession.Open(SmallModel.Shift(0, 2_000_000_000).Build());

        var error = Assert.Throws<LoraOpsException>(() => session.Run(Data().Floats("x", [1, 3], 1, 2, 3).Open(), 0, 1));

        Assert.Equal(ProblemCode.InputShapeMismatch, Assert.Single(error.Problems).Code);
    }

    [Fact]
    public void Says_why_the_runtime_refuses_a_model()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Node("NoSuchOperator", "x", "y").Output("y", DataType.Float, 0, 3);

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => OnnxSession.Open(model.Build())).Problems);

        Assert.Equal(ProblemCode.ModelRefused, problem.Code);
        Assert.Contains("NoSuchOperator", problem.What, StringComparison.Ordinal);
        Assert.DoesNotContain("[ErrorCode", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_why_a_run_failed()
    {
        using var session = OnnxSession.Open(Lookup());
        var data = Data().Longs("ids", [1], 7).Open();

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => session.Run(data, 0, 1)).Problems);

        Assert.Equal(ProblemCode.RunFailed, problem.Code);
        Assert.Contains("idx=7", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_outputs_that_are_no_tensors()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Node("SequenceConstruct", "x", "y").Build();
        model.Graph.Output.Add(new ValueInfoProto { Name = "y" });

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => OnnxSession.Open(model)).Problems);

        Assert.Equal(ProblemCode.PortNotTensor, problem.Code);
        Assert.Contains("a sequence", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_outputs_that_do_not_count_the_samples()
    {
        using var session = OnnxSession.Open(new SmallModel().Input("x", DataType.Float, 0, 3)
            .Node("ReduceSum", "x", "y", SmallModel.Int("keepdims", 0)).Output("y", DataType.Float).Build());

        var error = Assert.Throws<LoraOpsException>(() => session.Run(Data().Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Open(), 0, 2));

        Assert.Equal(ProblemCode.OutputNotSampled, Assert.Single(error.Problems).Code);
    }

    [Fact]
    public void Saves_what_it_optimised()
    {
        var settings = new SessionSettings { Optimization = GraphOptimization.Basic, OptimizedModelPath = _folder["optimised.onnx"] };

        OnnxSession.Open(SmallModel.Shift(1).Build(), settings).Dispose();

        Assert.NotEmpty(OnnxModel.Load(_folder["optimised.onnx"]).Graph.Node);
    }

    private static OnnxModel Lookup() => new SmallModel().Input("ids", DataType.Int64, 0).Floats("table", [2, 1], 1, 2)
        .Node("Gather", "table ids", "y").Output("y", DataType.Float, 0, 1).Build();

    private DataFile Data() => new(_folder);
}
