using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class ModelSlimmingTests
{
    [Fact]
    public void Notes_of_the_exporter_go()
    {
        var model = Noted();

        ModelSlimming.Slim(model, NamePolicy.Full);

        var node = model.Graph.Node.Single(node => node.OpType == "MatMul");
        Assert.Equal("", node.DocString + model.Graph.DocString + model.Graph.Initializer[0].DocString + model.Graph.Input[0].DocString);
        Assert.Empty(node.MetadataProps);
        Assert.Empty(model.Graph.ValueInfo);
    }

    [Fact]
    public void Equal_constants_are_stored_once_and_unused_ones_not_at_all()
    {
        var model = new TinyGraph().Input("x", 1, 2).Floats("a", [2], 1, 2).Floats("b", [2], 1, 2).Floats("c", [1, 2], 1, 2).Random("unused", 4)
            .Node("Add", ["x", "a"], "h").Node("Add", ["h", "b"], "i").Node("Add", ["i", "c"], "y").Output("y", 1, 2).Build();

        ModelSlimming.Slim(model, NamePolicy.Full);

        Assert.Equal(["a", "c"], model.Graph.Initializer.Select(tensor => tensor.Name));
        Assert.Equal("a", model.Graph.Node[1].Input[1]);
    }

    [Fact]
    public void Constant_nodes_become_initializers()
    {
        var model = new TinyGraph().Input("x", 1)
            .Node("Constant", [], "one", new AttributeProto { Name = "value", T = OnnxTensor.Create("", [1], [1f]) })
            .Node("Constant", [], "text", new AttributeProto { Name = "value_int", I = 1 })
            .Node("Sum", ["x", "one", "text"], "y").Output("y", 1).Build();

        ModelSlimming.Slim(model, NamePolicy.Full);

        Assert.Equal(["text", "y"], model.Graph.Node.Select(node => node.Output[0]));
        Assert.Equal("one", model.Graph.Initializer.Single().Name);
    }

    [Fact]
    public void Short_names_spare_the_interface_and_the_layers()
    {
        var model = Noted();

        ModelSlimming.Slim(model, NamePolicy.Short);

        var (product, relu) = (model.Graph.Node[0], model.Graph.Node[1]);
        Assert.Equal(["x", "b"], product.Input);
        Assert.Equal(["c"], product.Output);
        Assert.Equal("node_hidden", product.Name);
        Assert.Equal(["c"], relu.Input);
        Assert.Equal(["a"], relu.Output);
        Assert.Equal("", relu.Name);
    }

    [Fact]
    public void Short_names_reach_into_subgraphs_and_avoid_their_names()
    {
        var inner = new GraphProto { Name = "then" };
        inner.Node.Add(new NodeProto { OpType = "Relu", Input = { "hidden" }, Output = { "a" } });
        inner.Output.Add(new ValueInfoProto { Name = "a" });
        inner.Output.Add(new ValueInfoProto { Name = "hidden" });
        var model = new TinyGraph().Input("x", 1).Node("Relu", ["x"], "hidden")
            .Node("If", ["x"], "y", new AttributeProto { Name = "then_branch", G = inner }).Output("y", 1).Build();

        ModelSlimming.Slim(model, NamePolicy.Short);

        Assert.Equal("b", model.Graph.Node[0].Output[0]);
        Assert.Equal("b", inner.Node.Count == 1 ? model.Graph.Node[1].Attribute[0].G.Node[0].Input[0] : "");
        Assert.Equal(["a", "b"], model.Graph.Node[1].Attribute[0].G.Output.Select(output => output.Name));
    }

    [Fact]
    public void Many_names_stay_different()
    {
        var graph = new TinyGraph().Input("x", 1);
        for (var i = 0; i < 3000; i++)
            graph.Node("Relu", [i == 0 ? "x" : $"long_{i}"], $"long_{i + 1}");

        var model = graph.Build();
        ModelSlimming.Slim(model, NamePolicy.Short);
        var outputs = model.Graph.Node.Select(node => node.Output[0]).ToArray();

        Assert.Equal(3000, outputs.Distinct().Count());
        Assert.All(outputs, name => Assert.InRange(name.Length, 1, 3));
        Assert.Equal(outputs[..^1], model.Graph.Node.Skip(1).Select(node => node.Input[0]));
    }

    private static OnnxModel Noted()
    {
        var model = new TinyGraph().Input("x", 1, 2).Random("weight", 2, 2)
            .Node("MatMul", ["x", "weight"], "hidden").Node("Relu", ["hidden"], "a").Output("a", 1, 2).Build();
        model.Graph.DocString = model.Graph.Node[0].DocString = model.Graph.Initializer[0].DocString = model.Graph.Input[0].DocString = "note";
        model.Graph.Node[0].MetadataProps.Add(new StringStringEntryProto { Key = "scope", Value = "fc" });
        model.Graph.ValueInfo.Add(new ValueInfoProto { Name = "hidden" });
        return model;
    }
}
