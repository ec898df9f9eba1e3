using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.Graphs;

public sealed class OpsetRaisingTests
{
    [Fact]
    public void Operators_whose_form_changed_are_rewritten()
    {
        var axes = new AttributeProto { Name = "axes", Ints = { 1, -1 }, Type = AttributeProto.Types.AttributeType.Ints };
        var model = new TinyGraph(17).Input("x", 2, 4).Output("y", 2, 4).Node("ReduceMean", ["x"], "m", axes).Node("ReduceMax", ["x"], "all")
            .Node("Split", ["x"], "y").Build();
        OpsetRaising.To(model, 21);

        Assert.Equal(21, model.Opset());
        Assert.Equal(10, model.Proto.IrVersion);
        var mean = model.Graph.Node[0];
        Assert.Empty(mean.Attribute);
        Assert.Equal([1, -1], System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(
            model.Graph.Initializer.Single(tensor => tensor.Name == mean.Input[1]).RawData.Span).ToArray());
        Assert.Single(model.Graph.Node[1].Input);
        Assert.Equal(1, model.Graph.Node[2].Integer("num_outputs", 0));
    }

    [Fact]
    public void A_newer_model_stays_as_it_is()
    {
        var model = new TinyGraph(22).Input("x", 2, 4).Output("y", 2, 4).Node("GroupNormalization", ["x"], "y").Build();
        OpsetRaising.To(model, 21);

        Assert.Equal((22, 8), (model.Opset(), model.Proto.IrVersion));
    }

    [Fact]
    [Raises(ProblemCode.OpsetNotRaisable)]
    public void What_changed_its_meaning_is_refused_by_name()
    {
        var model = new TinyGraph(18).Input("x", 2, 4).Output("y", 2, 4).Node("GroupNormalization", ["x"], "y").Build();
        var problem = Assert.Throws<LoraOpsException>(() => OpsetRaising.To(model, 21)).Problems.Single();

        Assert.Equal(ProblemCode.OpsetNotRaisable, problem.Code);
        Assert.Contains("GroupNormalization", problem.What, StringComparison.Ordinal);
        Assert.Equal(18, model.Opset());
    }
}
