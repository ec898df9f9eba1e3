using Google.Protobuf;
using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Forms;

public class MergedFormTests
{
    private static readonly long[] OutIn = [2, 3];
    private static readonly float[] Delta = [1, 2, 3, 4, 5, 6];

    [Fact]
    public void Folds_as_stored_behind_a_transposed_Gemm()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3]).Weight("fc.bias", [2])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "fc.bias", "y"], Int("transB", 1)).Model;

        Assert.Equal([1.1f, 2.2f, 3.3f, 4.4f, 5.5f, 6.6f], Fold(model, "fc.weight"), Close);
    }

    [Fact]
    public void Folds_the_transpose_into_a_MatMul()
    {
        var model = new TinyModel().Weight("onnx::MatMul_1", [3, 2])
            .Node("MatMul", "/fc/MatMul", ["x", "onnx::MatMul_1", "y"]).Model;

        Assert.Equal([1.1f, 4.2f, 2.3f, 5.4f, 3.5f, 6.6f], Fold(model, "onnx::MatMul_1"), Close);
    }

    [Fact]
    public void Divides_by_the_factor_of_a_Gemm()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"], Int("transB", 1), Float("alpha", 2)).Model;

        Assert.Equal([.6f, 1.2f, 1.8f, 2.4f, 3f, 3.6f], Fold(model, "fc.weight"), Close);
    }

    [Fact]
    public void Folds_before_a_transpose_that_was_not_folded()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3])
            .Node("Transpose", "/fc/Transpose", ["fc.weight", "t"])
            .Node("MatMul", "/fc/MatMul", ["x", "t", "y"]).Model;

        Assert.Equal([1.1f, 2.2f, 3.3f, 4.4f, 5.5f, 6.6f], Fold(model, "fc.weight"), Close);
    }

    [Fact]
    public void Sums_adapters_with_their_weights()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"], Int("transB", 1)).Model;
        var first = DenseDelta.Adapter("fc", LayerKind.Linear, OutIn, Delta, 2);
        var second = DenseDelta.Adapter("fc", LayerKind.Linear, OutIn, Delta, -1);

        var merged = MergedForm.Convert(model, [first, second], new MappingOptions());

        Assert.Equal([1.1f, 2.2f, 3.3f, 4.4f, 5.5f, 6.6f], Values(merged.Model, "fc.weight"), Close);
    }

    [Fact]
    public void Leaves_the_base_model_and_everything_else_as_it_was()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3]).Weight("other", [2, 2])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "h"], Int("transB", 1))
            .Node("MatMul", "/head/MatMul", ["h", "other", "y"]).Model;
        var before = model.Proto.ToByteArray();

        var merged = Convert(model);
        merged.Graph.Initializer[0].RawData = model.Graph.Initializer[0].RawData;

        Assert.Equal(before, model.Proto.ToByteArray());
        Assert.Equal(before, merged.Proto.ToByteArray());
    }

    [Fact]
    public void Gives_a_copy_to_the_adapted_reader_of_a_shared_weight()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"], Int("transB", 1))
            .Node("Gemm", "/twin/Gemm", ["x", "fc.weight", "z"], Int("transB", 1)).Model;

        var conversion = MergedForm.Convert(model, [DenseDelta.Adapter("fc", LayerKind.Linear, OutIn, Delta)], new MappingOptions());

        Assert.Equal("fc.weight_2", Assert.Single(conversion.Sites).Copy);
        Assert.Equal(.1f, Values(conversion.Model, "fc.weight")[0], Close);
        Assert.Equal(1.1f, Values(conversion.Model, "fc.weight_2")[0], Close);
        Assert.Equal("fc.weight_2", conversion.Model.Graph.Node[0].Input[1]);
        Assert.Equal("fc.weight", conversion.Model.Graph.Node[1].Input[1]);
    }

    [Fact]
    public void Copies_the_steps_between_a_tied_embedding_and_its_head()
    {
        var model = new TinyModel().Weight("wte.weight", [2, 3])
            .Node("Gather", "/wte/Gather", ["wte.weight", "ids", "h"])
            .Node("Transpose", "/lm_head/Transpose", ["wte.weight", "t"])
            .Node("MatMul", "/lm_head/MatMul", ["h", "t", "y"]).Model;
        var adapter = DenseDelta.Adapter("lm_head", LayerKind.Linear, OutIn, Delta);

        var merged = MergedForm.Convert(model, [adapter], new MappingOptions()).Model;

        Assert.Equal(.1f, Values(merged, "wte.weight")[0], Close);
        Assert.Equal(1.1f, Values(merged, "lm_head.weight")[0], Close);
        Assert.Equal("wte.weight", merged.Graph.Node[0].Input[0]);
        Assert.Equal(["lm_head.weight"], merged.Graph.Node[2].Input);
        Assert.Equal(merged.Graph.Node[2].Output[0], merged.Graph.Node[3].Input[1]);
    }

    [Fact]
    public void Adapts_both_sides_of_a_tie_apart()
    {
        var model = new TinyModel().Weight("wte.weight", [2, 3])
            .Node("Gather", "/wte/Gather", ["wte.weight", "ids", "h"])
            .Node("Gemm", "/lm_head/Gemm", ["h", "wte.weight", "y"], Int("transB", 1)).Model;
        var both = new[]
        {
            DenseDelta.Adapter("lm_head", LayerKind.Linear, OutIn, Delta),
            DenseDelta.Adapter("wte", LayerKind.Embedding, OutIn, [10, 0, 0, 0, 0, 0]),
        };

        var merged = MergedForm.Convert(model, both, new MappingOptions()).Model;

        Assert.Equal(10.1f, Values(merged, merged.Graph.Node[0].Input[0])[0], Close);
        Assert.Equal(1.1f, Values(merged, merged.Graph.Node[1].Input[1])[0], Close);
        Assert.Equal(2, merged.Graph.Initializer.Count);
    }

    [Fact]
    public void Writes_an_input_for_a_copy_in_models_before_IR_4()
    {
        var model = new TinyModel().Weight("fc.weight", [2, 3])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"], Int("transB", 1)).Output("fc.weight").Model;
        model.Proto.IrVersion = 3;

        Assert.Equal("fc.weight_2", Assert.Single(Convert(model).Graph.Input).Name);
    }

    [Fact]
    public void Replaces_a_bias_for_its_own_module_only()
    {
        var model = new TinyModel().Weight("a.bias", [2]).Weight("onnx::MatMul_1", [3, 2]).Weight("onnx::MatMul_2", [3, 2])
            .Node("MatMul", "/a/MatMul", ["x", "onnx::MatMul_1", "p"]).Node("Add", "/a/Add", ["a.bias", "p", "y"])
            .Node("MatMul", "/b/MatMul", ["x", "onnx::MatMul_2", "q"]).Node("Add", "/b/Add", ["a.bias", "q", "z"]).Model;

        var merged = MergedForm.Convert(model, [DenseDelta.Replacing("a", "bias", [2], 7, 8)], new MappingOptions()).Model;

        Assert.Equal([7f, 8f], Values(merged, merged.Graph.Node[1].Input[0]));
        Assert.Equal("a.bias", merged.Graph.Node[3].Input[0]);
        Assert.Equal([.1f, .2f], Values(merged, "a.bias"), Close);
    }

    [Theory]
    [InlineData("fc.bias", .1f, true)]
    [InlineData("other.bias", .1f, false)]
    [InlineData("fc.bias", .3f, null)]
    public void Compares_a_replaced_bias_with_the_base(string name, float first, bool? isVerified)
    {
        using var folder = new TemporaryFolder();
        var bias = BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(2), [first, .2f]);
        SafetensorsWriter.Write(folder["base.safetensors"], [bias]);
        using var checkpoint = Checkpoint.Open(folder["base.safetensors"]);
        var options = new MappingOptions { Base = checkpoint };
        var model = new TinyModel().Weight("fc.weight", [2, 3]).Weight("fc.bias", [2])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "fc.bias", "y"], Int("transB", 1)).Model;
        WeightedAdapter[] adapters = [DenseDelta.Replacing("fc", "bias", [2], 7, 8)];

        if (isVerified is null)
        {
            var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, adapters, options));
            Assert.Equal(ProblemCode.BaseDiffers, Assert.Single(refusal.Problems).Code);
            return;
        }

        Assert.Equal(isVerified, Assert.Single(MergedForm.Convert(model, adapters, options).Sites).IsVerified);
    }

    [Fact]
    public void Replaces_a_weight_in_the_graphs_orientation()
    {
        var model = new TinyModel().Weight("onnx::MatMul_1", [3, 2]).Node("MatMul", "/head/MatMul", ["x", "onnx::MatMul_1", "y"]).Model;

        var merged = MergedForm.Convert(model, [DenseDelta.Replacing("head", "weight", [2, 3], 1, 2, 3, 4, 5, 6)], new MappingOptions());

        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], Values(merged.Model, "onnx::MatMul_1"));
        Assert.Equal("replaced", Assert.Single(merged.Sites).Method);
    }

    private static float[] Fold(OnnxModel model, string initializer) => Values(Convert(model), initializer);

    private static OnnxModel Convert(OnnxModel model) =>
        MergedForm.Convert(model, [DenseDelta.Adapter("fc", LayerKind.Linear, OutIn, Delta)], new MappingOptions()).Model;

    private static float[] Values(OnnxModel model, string name) =>
        model.Read(model.Graph.Initializer.Single(tensor => tensor.Name == name)).ToFloats();

    private static bool Close(float expected, float actual) => Math.Abs(expected - actual) < 1e-6f;
}
