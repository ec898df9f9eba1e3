using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Tests.Graphs;

public class GraphIndexTests
{
    [Fact]
    public void Tells_values_of_one_name_in_two_branches_apart()
    {
        var model = Branches();
        var index = new GraphIndex(model);
        var (then, other) = (Inner(model, 0), Inner(model, 1));

        Assert.Equal(1, model.Read(index.Stored(new Edge(then, 1))!).ToFloats()[0]);
        Assert.Equal(2, model.Read(index.Stored(new Edge(other, 1))!).ToFloats()[0]);
        Assert.Same(then, Assert.Single(index.Consumers(new Edge(then, 1))).Node);
        Assert.Same(other, Assert.Single(index.Consumers(new Edge(other, 1))).Node);
        Assert.Equal(2, index.Consumers("x").Count);
    }

    [Fact]
    public void Knows_what_a_subgraph_takes_from_outside()
    {
        var index = new GraphIndex(Branches());

        Assert.True(index.IsUsedInside("x"));
        Assert.Empty(index.Readers("x"));
        Assert.False(index.IsUsedInside("condition"));
        Assert.Equal("If", Assert.Single(index.Readers("condition")).OpType);
    }

    [Fact]
    public void Takes_an_initializer_that_is_an_input_for_a_default()
    {
        var index = new GraphIndex(new TinyGraph().Input("w", 2).Random("w", 2).Random("c", 2).Node("Add", ["w", "c"], "y").Output("y", 2).Build());

        Assert.NotNull(index.Stored("w"));
        Assert.Null(index.Constant("w"));
        Assert.NotNull(index.Constant("c"));
    }

    [Fact]
    public void Follows_nodes_and_tensors_that_are_added()
    {
        var model = new TinyGraph().Input("x", 2).Random("c", 2).Node("Add", ["x", "c"], "y").Output("y", 2).Build();
        var index = new GraphIndex(model);
        var add = model.Graph.Node[0];
        var step = new NodeProto { OpType = "Identity", Input = { "x" }, Output = { "copy" } };

        index.Insert(step, add);
        index.Rewire(new Edge(add, 0), "copy");
        index.Added(OnnxTensor.Create("new", [1], [1f]));

        Assert.Same(step, index.Producer("copy"));
        Assert.Same(step, Assert.Single(index.Consumers("x")).Node);
        Assert.Same(add, Assert.Single(index.Consumers(step)).Node);
        Assert.False(index.IsFree("new"));
        Assert.False(index.IsFree("copy"));
        Assert.True(index.IsFree("free"));
    }

    private static NodeProto Inner(OnnxModel model, int branch) => model.Graph.Node[0].Attribute[branch].G.Node[0];

    private static OnnxModel Branches()
    {
        var choice = new NodeProto { OpType = "If", Name = "if", Input = { "condition" }, Output = { "y" } };
        foreach (var (name, value) in new[] { ("then_branch", 1f), ("else_branch", 2f) })
        {
            var graph = new GraphProto { Name = name, Initializer = { OnnxTensor.Create("c", [1], [value]) } };
            graph.Node.Add(new NodeProto { OpType = "Add", Name = name + "_add", Input = { "x", "c" }, Output = { "sum" } });
            graph.Output.Add(new ValueInfoProto { Name = "sum" });
            choice.Attribute.Add(new AttributeProto { Name = name, G = graph, Type = AttributeProto.Types.AttributeType.Graph });
        }

        var model = new TinyGraph().Input("x", 1).Input("condition").Output("y", 1).Build();
        model.Graph.Node.Add(choice);
        return model;
    }
}
