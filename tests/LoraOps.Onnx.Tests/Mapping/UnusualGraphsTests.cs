using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>Weights in subgraphs, defaults that callers override, half precision, fused embeddings, names of two encoders.</summary>
public class UnusualGraphsTests
{
    private static readonly float[] _values = TinyCheckpoint.Random(1, 6);
    private static readonly float[] _delta = TinyCheckpoint.Random(2, 6);

    [Fact]
    public void Changes_an_outer_weight_that_both_branches_of_an_If_read()
    {
        var model = Branches(outer: true);

        var merged = MergedForm.Convert(model, [Adapter("head")], new MappingOptions());

        Assert.Equal(2, Assert.Single(merged.Sites).Nodes.Count);
        AssertClose(Sum(), Values(merged.Model, merged.Model.Graph.Initializer.Single()));
    }

    [Fact]
    public void Changes_the_weights_of_one_name_in_both_branches_of_an_If()
    {
        var merged = MergedForm.Convert(Branches(outer: false), [Adapter("head")], new MappingOptions());

        Assert.Equal(2, merged.Sites.Count);
        foreach (var branch in merged.Model.Graph.Node[0].Attribute)
            AssertClose(Sum(), Values(merged.Model, branch.G.Initializer.Single()));
    }

    [Fact]
    public void Gives_a_copy_to_the_branch_that_is_adapted()
    {
        var model = Branches(outer: true);
        model.Graph.Node[0].Attribute[1].G.Node[0].Name = "/other/MatMul";
        model.Graph.Node[0].Attribute[1].G.Node[0].Input[1] = "w";

        var merged = MergedForm.Convert(model, [Adapter("head")], new MappingOptions()).Model;

        var (then, other) = (merged.Graph.Node[0].Attribute[0].G.Node[0], merged.Graph.Node[0].Attribute[1].G.Node[0]);
        Assert.Equal("w", other.Input[1]);
        AssertClose(_values, Values(merged, merged.Graph.Initializer.Single(tensor => tensor.Name == "w")));
        AssertClose(Sum(), Values(merged, merged.Graph.Initializer.Single(tensor => tensor.Name == then.Input[1])));
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(3, 0)]
    public void Warns_of_a_default_that_callers_may_override(int irVersion, int warnings)
    {
        var model = new TinyGraph(11).Input("x", 1, 3).Input("head.weight", 2, 3).Floats("head.weight", [2, 3], _values)
            .Node("Gemm", ["x", "head.weight"], "y", Int("transB", 1)).Output("y", 1, 2).Build();
        model.Proto.IrVersion = irVersion;
        model.Graph.Node[0].Name = "/head/Gemm";

        var merged = MergedForm.Convert(model, [Adapter("head")], new MappingOptions());

        Assert.Equal(warnings, merged.Warnings.Count);
        AssertClose(Sum(), Values(merged.Model, merged.Model.Graph.Initializer[0]));
    }

    [Theory]
    [InlineData(DataType.Float16)]
    [InlineData(DataType.Bfloat16)]
    public void Rounds_a_half_precision_weight_once(DataType type)
    {
        var element = OnnxTensor.TypeOf((int)type)!.Value;
        var bytes = new byte[12];
        ElementCodec.Encode(element, _values, bytes);
        var stored = new float[6];
        ElementCodec.Decode(element, bytes, stored);
        var model = new TinyModel().Weight("w", [2, 3]).Node("Gemm", "/head/Gemm", ["x", "w", "y"], Int("transB", 1)).Model;
        model.Graph.Initializer[0] = OnnxTensor.Create("w", type, [2, 3], bytes);
        var adapters = new[] { Adapter("head"), DenseDelta.Adapter("head", LayerKind.Linear, [2, 3], _delta, .5) };

        var merged = MergedForm.Convert(model, adapters, new MappingOptions()).Model;

        var expected = new byte[12];
        ElementCodec.Encode(element, [.. stored.Zip(_delta, (weight, delta) => weight + (delta + (.5f * delta)))], expected);
        Assert.Equal(expected, merged.Graph.Initializer[0].RawData.ToByteArray());
    }

    [Fact]
    public void Changes_the_embeddings_of_a_fused_embedding()
    {
        var model = new TinyModel().Weight("bert.embeddings.word_embeddings.weight", [2, 3], _values).Weight("positions", [2, 3])
            .Weight("segments", [2, 3]).Weight("gamma", [3]).Weight("beta", [3])
            .Node("EmbedLayerNormalization", "EmbedLayerNormalization_0",
                ["ids", "segment_ids", "bert.embeddings.word_embeddings.weight", "positions", "segments", "gamma", "beta", "y"]).Model;
        model.Graph.Node[0].Domain = "com.microsoft";
        var adapter = DenseDelta.Adapter("bert.embeddings.word_embeddings", LayerKind.Embedding, [2, 3], _delta);

        var merged = MergedForm.Convert(model, [adapter], new MappingOptions());

        Assert.Equal("EmbedLayerNormalization", Assert.Single(merged.Sites).Operator);
        AssertClose(Sum(), Values(merged.Model, merged.Model.Graph.Initializer[0]));
    }

    [Theory]
    [InlineData("encoder.layers.0.fc", "encoder.layers.0.fc.weight")]
    [InlineData("model.decoder.layers.0.fc", "decoder.layers.0.fc.weight")]
    public void Keeps_encoder_and_decoder_apart(string module, string initializer) => Assert.Equal(
        initializer, Assert.Single(MergedForm.Convert(Towers("encoder", "decoder"), [Adapter(module)], new MappingOptions()).Sites).Initializer);

    [Fact]
    public void Refuses_a_layer_that_two_towers_have() =>
        Assert.Equal(ProblemCode.ModuleAmbiguous, Refused(Towers("text", "vision"), "layers.0.fc").Code);

    [Fact]
    public void Refuses_two_towers_adapters_in_a_graph_of_one() => Assert.Equal(ProblemCode.NodeClaimedTwice, Assert.Single(
        Assert.Throws<LoraOpsException>(() => MergedForm.Convert(
            Towers("x"), [Adapter("text.x.layers.0.fc"), Adapter("vision.x.layers.0.fc")], new MappingOptions())).Problems).Code);

    [Theory]
    [InlineData("model.language_model.layers.0.fc", "language_model.model.layers.0.fc")]
    [InlineData("model.layers.3.self_attn.q_proj", "model.layers.3.attn.q_proj")]
    [InlineData("vit.encoder.layer.0.attention.attention.query", "vit.layers.0.attention.q_proj")]
    [InlineData("dinov2.encoder.layer.0.attention.attention.query", "dinov2.encoder.layer.0.attention.q_proj")]
    public void Knows_a_layer_under_its_other_name(string module, string path)
    {
        var model = new TinyModel().Weight("w", [3, 2]).Node("MatMul", $"/{path.Replace('.', '/')}/MatMul", ["x", "w", "y"]).Model;
        model.Graph.Node[0].Name = "/" + string.Join('/', Scopes(path)) + "/MatMul";

        Assert.Single(MergedForm.Convert(model, [Adapter(module)], new MappingOptions()).Sites);
        Assert.Single(MergedForm.Convert(model, [Adapter(path)], new MappingOptions()).Sites);
    }

    [Fact]
    public void Says_that_quantized_attention_and_functions_are_not_looked_into()
    {
        var model = new TinyModel().Weight("w", [2, 3]).Node("QAttention", "attention_7", ["x", "w", "y"]).Model;
        model.Graph.Node[0].Domain = "com.microsoft";
        Assert.Contains("'attention_7' (QAttention)", Refused(model, "q_proj").What, StringComparison.Ordinal);

        model.Graph.Node[0].OpType = "Linear";
        model.Proto.Functions.Add(new FunctionProto { Name = "Linear" });
        Assert.Contains("functions are not looked into", Refused(model, "q_proj").What, StringComparison.Ordinal);
    }

    private static Problem Refused(OnnxModel model, string module) => Assert.Single(
        Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [Adapter(module)], new MappingOptions())).Problems);

    private static WeightedAdapter Adapter(string module) => DenseDelta.Adapter(module, LayerKind.Linear, [2, 3], _delta);

    private static float[] Sum() => [.. _values.Zip(_delta, (value, delta) => value + delta)];

    private static OnnxModel Towers(params string[] names)
    {
        var model = new TinyModel();
        foreach (var name in names)
        {
            model.Weight($"{name}.layers.0.fc.weight", [2, 3], _values)
                .Node("Gemm", $"/{name}/layers.0/fc/Gemm", [$"x_{name}", $"{name}.layers.0.fc.weight", $"y_{name}"], Int("transB", 1));
        }

        return model.Model;
    }

    // Numbers stay with the name before them, as TorchScript writes scopes.
    private static IEnumerable<string> Scopes(string path)
    {
        var parts = path.Split('.');
        for (var i = 0; i < parts.Length; i++)
        {
            var hasNumber = i + 1 < parts.Length && parts[i + 1].All(char.IsAsciiDigit);
            yield return hasNumber ? $"{parts[i]}.{parts[++i]}" : parts[i];
        }
    }

    // Each branch multiplies with the head's weight: the same one outside, or one of its own under the same name.
    private static OnnxModel Branches(bool outer)
    {
        var model = new TinyGraph().Input("x", 1, 3).Input("condition").Output("y", 1, 2).Build();
        var weight = OnnxTensor.Create("w", [3, 2], StoredWeight.Transpose(_values, 2, 3));
        var choice = new NodeProto { OpType = "If", Name = "if", Input = { "condition" }, Output = { "y" } };
        foreach (var name in new[] { "then_branch", "else_branch" })
        {
            var graph = new GraphProto { Name = name };
            graph.Node.Add(new NodeProto { OpType = "MatMul", Name = "/head/MatMul", Input = { "x", "w" }, Output = { "product" } });
            graph.Output.Add(new ValueInfoProto { Name = "product" });
            choice.Attribute.Add(new AttributeProto { Name = name, G = graph, Type = AttributeProto.Types.AttributeType.Graph });
            if (!outer)
                graph.Initializer.Add(weight.Clone());
        }

        if (outer)
            model.Graph.Initializer.Add(weight);

        model.Graph.Node.Add(choice);
        return model;
    }

    private static float[] Values(OnnxModel model, TensorProto tensor) => tensor.Name.EndsWith(".weight", StringComparison.Ordinal) && tensor.Dims[0] == 2
        ? model.Read(tensor).ToFloats()
        : StoredWeight.Transpose(model.Read(tensor).ToFloats(), 3, 2);

    private static void AssertClose(float[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - 1e-6f, pair.First + 1e-6f));
}
