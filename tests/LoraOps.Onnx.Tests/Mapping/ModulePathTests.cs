using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Tests.Mapping;

public class ModulePathTests
{
    [Theory]
    [InlineData("/vit/layers.0/attention/q_proj/MatMul", "vit.layers.0.attention.q_proj")]
    [InlineData("/stem/stem.0/Conv", "stem.0")]
    [InlineData("/head/Gemm", "head")]
    [InlineData("/MatMul", null)]
    [InlineData("node_MatMul_28", null)]
    [InlineData("", null)]
    public void Reads_the_module_out_of_a_TorchScript_node_name(string name, string? module) =>
        Assert.Equal(module, ModulePath.FromNodeName(name));

    [Theory]
    [InlineData("['', 'vit', 'vit.layers.0.attention.q_proj', 'linear']", "vit.layers.0.attention.q_proj")]
    [InlineData("['', 'it\\'s', \"x\"]", "it's")]
    [InlineData("['', 'linear']", null)]
    [InlineData("[]", null)]
    [InlineData("['unfinished", null)]
    public void Reads_the_module_out_of_the_scopes_of_torch_export(string scopes, string? module)
    {
        var node = new NodeProto();
        node.MetadataProps.Add(new StringStringEntryProto { Key = "pkg.torch.onnx.name_scopes", Value = scopes });

        Assert.Equal(module, ModulePath.FromMetadata(node));
    }

    [Theory]
    [InlineData("a.b", "a.b", NameMatch.Exact)]
    [InlineData("model.a.b", "a.b", NameMatch.Suffix)]
    [InlineData("a.b", "model.a.b", NameMatch.Suffix)]
    [InlineData("xa.b", "a.b", NameMatch.None)]
    [InlineData("a.b", "", NameMatch.None)]
    public void Compares_names_at_their_dots(string left, string right, NameMatch match) =>
        Assert.Equal(match, ModulePath.Compare(left, right));
}
