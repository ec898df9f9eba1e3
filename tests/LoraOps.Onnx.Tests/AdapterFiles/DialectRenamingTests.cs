using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.AdapterFiles;

public sealed class DialectRenamingTests
{
    private static readonly string Layer = Fixtures.Path("bev-vit", "ort", "one-layer.onnx");

    [Fact]
    public void Any_way_through_the_dialects_and_back_changes_nothing()
    {
        var original = OnnxModel.Load(Layer);
        var before = original.Proto.Clone();
        foreach (var other in NameDialects.All)
        {
            var model = original.Clone();
            DialectRenaming.Of(model, null, other).Apply(model);
            Assert.Equal(
                new[] { "lora_A", "lora_B" }.Select(part => "vit.layers.0.attention.q_proj" + other.InputName(new("x"), part)[1..]),
                OverridableInputs.Of(model).Select(input => input.Name));
            Assert.Equal(other != NameDialects.Canonical, !before.Equals(model.Proto));
            DialectRenaming.Of(model, other, NameDialects.Canonical).Apply(model);
            Assert.Equal(before, model.Proto);
        }
    }

    [Fact]
    public void An_adapter_and_its_model_are_renamed_alike()
    {
        var adapter = OnnxAdapterFile.Read(Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter"));
        var model = OnnxModel.Load(Layer);

        var renamed = DialectRenaming.Of(adapter, "x", null, NameDialects.GenaiBuilder);
        var result = renamed.Apply(adapter);
        DialectRenaming.Of(model, null, NameDialects.GenaiBuilder).Apply(model);

        Assert.Equal(OverridableInputs.Of(model).Select(input => input.Name), result.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(adapter.Parameters.Select(parameter => parameter.ToBytes()), result.Parameters.Select(parameter => parameter.ToBytes()));
        Assert.Equal((1, 1), (result.AdapterVersion, result.ModelVersion));
        Assert.Same(NameDialects.Canonical, renamed.From);
    }

    [Fact]
    public void A_models_own_word_decides_and_follows()
    {
        var model = OnnxModel.Load(Layer);
        new FormMetadata { Form = "inputs", BaseDigest = "00", Dialect = "canonical" }.Write(model);

        DialectRenaming.Of(model, null, NameDialects.OliveDynamo).Apply(model);

        Assert.Equal("olive-dynamo", FormMetadata.Read(model)!.Dialect);
    }

    [Fact]
    [Raises(ProblemCode.AdapterNameUnknown, ProblemCode.AdapterNameTaken)]
    public void What_cannot_be_renamed_is_refused()
    {
        var strange = Parameters("A", "b.lora_A.weight");
        Refused(ProblemCode.AdapterNameUnknown, () => DialectRenaming.Of(strange, "x", null, NameDialects.Canonical));
        Refused(ProblemCode.AdapterNameUnknown, () => DialectRenaming.Of(Parameters("x.lora_A.weight"), "x", NameDialects.OliveDynamo, NameDialects.Canonical));
        Refused(ProblemCode.AdapterNameUnsayable, () => DialectRenaming.Of(Parameters("layers.0.attn.q.lora_A.weight"), "x", null, NameDialects.GenaiBuilder));

        var taken = OnnxModel.Load(Layer);
        taken.Graph.Initializer.Add(new TensorProto { Name = "vit.layers.0.attention.q_proj.lora_A.default.weight", DataType = 1, Dims = { 0 } });
        Refused(ProblemCode.AdapterNameTaken, () => DialectRenaming.Of(taken, null, NameDialects.OliveDynamo));

        var none = OnnxModel.Load(Layer);
        none.Proto.IrVersion = 3;
        Refused(ProblemCode.AdapterNameUnknown, () => DialectRenaming.Of(none, null, NameDialects.OliveDynamo));
    }

    [Fact]
    public void Names_inside_of_subgraphs_follow()
    {
        var model = OnnxModel.Load(Layer);
        var node = new NodeProto { OpType = "Identity", Input = { "vit.layers.0.attention.q_proj.lora_A.weight" }, Output = { "inside" } };
        var inner = new GraphProto { Name = "then", Node = { node } };
        model.Graph.Node.Add(new NodeProto { OpType = "If", Attribute = { new AttributeProto { Name = "then_branch", G = inner } } });

        DialectRenaming.Of(model, null, NameDialects.OliveDynamo).Apply(model);

        Assert.Equal("vit.layers.0.attention.q_proj.lora_A.default.weight", inner.Node[0].Input[0]);
    }

    private static void Refused(ProblemCode code, Action action) => Assert.Equal(code, Assert.Throws<LoraOpsException>(action).Problems[0].Code);

    private static OnnxAdapter Parameters(params string[] names) =>
        new([.. names.Select(name => BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(1), [1]))]);
}
