using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>No names and no base: the n-th layer's module is the n-th node, said aloud.</summary>
public class OrderedPlacesTests
{
    [Fact]
    public void Places_layers_by_their_numbers_and_warns()
    {
        var adapters = new[] { 10, 2, 1 }.Select(layer => Adapter($"layers.{layer}.fc")).ToArray();

        var merged = MergedForm.Convert(Anonymous(3), adapters, new MappingOptions());

        Assert.Equal(["w2", "w1", "w0"], merged.Sites.Select(site => site.Initializer));
        Assert.All(merged.Sites, site => Assert.Equal([EvidenceTier.Order], site.Evidence));
        var warning = Assert.Single(merged.Warnings);
        Assert.Contains("3 modules 'layers.#.fc'", warning, StringComparison.Ordinal);
        Assert.Contains("Compare the outputs", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_when_the_counts_differ() => AssertRefused(Anonymous(4), "layers.0.fc", "layers.1.fc");

    [Fact]
    public void Refuses_when_modules_of_one_shape_play_two_roles() => AssertRefused(Anonymous(2), "layers.0.q", "layers.0.k");

    [Theory]
    [InlineData("/blocks.0/lin/MatMul")]
    [InlineData("blocks.0.lin.weight")]
    public void Refuses_when_the_graph_does_have_names(string name)
    {
        var model = Anonymous(2);
        if (name.StartsWith('/'))
            model.Graph.Node[1].Name = name;
        else
            model.Graph.Node[1].Input[1] = model.Graph.Initializer[1].Name = name;

        AssertRefused(model, "layers.0.fc", "layers.1.fc");
    }

    private static void AssertRefused(OnnxModel model, params string[] modules)
    {
        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [.. modules.Select(Adapter)], new MappingOptions()));

        Assert.All(refusal.Problems, problem => Assert.Equal(ProblemCode.ModuleUnmapped, problem.Code));
        Assert.Equal(modules.Length, refusal.Problems.Count);
    }

    private static WeightedAdapter Adapter(string module) => DenseDelta.Adapter(module, LayerKind.Linear, [2, 3], [1, 2, 3, 4, 5, 6]);

    private static OnnxModel Anonymous(int nodes)
    {
        var model = new TinyModel();
        for (var i = 0; i < nodes; i++)
            model.Weight($"w{i}", [3, 2]).Node("MatMul", "", [$"x{i}", $"w{i}", $"y{i}"]);

        return model.Model;
    }
}
