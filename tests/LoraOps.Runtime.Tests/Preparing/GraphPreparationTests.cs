using Google.Protobuf;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Sessions;
using LoraOps.Runtime.Tests.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Preparing;

public sealed class GraphPreparationTests
{
    public static TheoryData<string> Models() => RecordedLogitsTests.Models();

    [Fact]
    public void Takes_external_data_into_the_message()
    {
        using var folder = new TemporaryFolder();
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Floats("w", [3], 10, 20, 30)
            .Node("Add", "x w", "y").Output("y", DataType.Float, 0, 3).Build(folder["model.onnx"]);
        var weight = model.Graph.Initializer[0];
        File.WriteAllBytes(folder["weights.bin"], weight.RawData.ToByteArray());
        weight.ClearRawData();
        weight.DataLocation = DataLocation.External;
        weight.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "weights.bin" });

        var prepared = GraphPreparation.Prepare(model);

        Assert.False(prepared.HasExternalData);
        Assert.Equal([10f, 20, 30], prepared.Read(prepared.Graph.Initializer.Single()).ToFloats());
        Assert.True(model.HasExternalData);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Gives_an_equivalent_model_of_plain_operators_under_the_same_names(string folder)
    {
        var model = OnnxModel.Load(Fixtures.Path(folder, "model.onnx"));
        var before = model.Proto.ToByteArray();

        var prepared = GraphPreparation.Prepare(model);

        Assert.Equal(before, model.Proto.ToByteArray());
        Assert.All(prepared.AllNodes(), node => Assert.Equal("", node.Domain));
        Assert.Equal("", Assert.Single(prepared.Proto.OpsetImport).Domain);
        Assert.Equal(model.Opset(), prepared.Opset());
        Assert.Equal(model.Proto.IrVersion, prepared.Proto.IrVersion);
        Assert.Equal(model.Graph.Input.Select(input => input.Name), prepared.Graph.Input.Select(input => input.Name));
        Assert.Equal(model.Graph.Output.Select(output => output.Name), prepared.Graph.Output.Select(output => output.Name));
        Assert.True(prepared.Graph.Node.Count <= model.Graph.Node.Count);
        Assert.DoesNotContain(prepared.Graph.Node, node => node.OpType is "Constant" or "BatchNormalization" or "Identity");
        Assert.Equal(Weighted(model), Weighted(prepared));
        Assert.Equal(prepared.Graph.Node.Count, prepared.Graph.Node.Select(node => node.Name).Distinct().Count());
        AssertSameOutputs(folder, model, prepared);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Gives_the_same_bytes_every_time(string folder)
    {
        var path = Fixtures.Path(folder, "model.onnx");

        Assert.Equal(
            GraphPreparation.Prepare(OnnxModel.Load(path)).Proto.ToByteArray(),
            GraphPreparation.Prepare(OnnxModel.Load(path)).Proto.ToByteArray());
    }

    [Fact]
    public void Folds_what_is_constant_and_drops_what_nobody_reads()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3)
            .Floats("a", [3], 1, 2, 3).Floats("b", [3], 10, 20, 30)
            .Node("Add", "a b", "sum").Node("Mul", "x sum", "y").Node("Neg", "x", "unread")
            .Output("y", DataType.Float, 0, 3).Build();

        var prepared = GraphPreparation.Prepare(model);

        Assert.Equal("node_y", Assert.Single(prepared.Graph.Node).Name);
        Assert.Equal([11f, 22, 33], prepared.Read(Assert.Single(prepared.Graph.Initializer)).ToFloats());
    }

    private static List<string> Weighted(OnnxModel model)
    {
        var constant = model.Graph.Initializer.Select(tensor => tensor.Name)
            .Concat(model.Graph.Node.Where(node => node.OpType == "Constant").SelectMany(node => node.Output)).ToHashSet();
        return [.. model.Graph.Node
            .Where(node => node.OpType is "Conv" or "Gemm" or "MatMul" && constant.Contains(node.Input[1]))
            .Select(node => node.Name).Order(StringComparer.Ordinal)];
    }

    private static void AssertSameOutputs(string folder, OnnxModel model, OnnxModel prepared)
    {
        var data = SampleSet.Open(Directory.GetFiles(Fixtures.Path(folder, "..", "..", "reference"))[0]);
        using var one = OnnxSession.Open(model, SessionSettings.AsWritten);
        using var two = OnnxSession.Open(prepared, SessionSettings.AsWritten);
        var expected = one.Run(data, 0, data.Count)["logits"];
        var given = two.Run(data, 0, data.Count)["logits"];
        Assert.Equal(expected.Shape, given.Shape);

        // Batch norm folded into a convolution rounds each weight once more.
        var scale = expected.Values.Max(Math.Abs);
        Assert.All(expected.Values.Zip(given.Values), pair => Assert.Equal(pair.First, pair.Second, 2e-6f * scale));
    }
}
