using LoraOps.Adapters;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Adapters;

public sealed class ModuleAliasesTests
{
    [Theory]
    [InlineData("vit.layers.3.attention.q_proj", "vit.encoder.layer.3.attention.attention.query")]
    [InlineData("vit.layers.10.attention.o_proj", "vit.encoder.layer.10.attention.output.dense")]
    [InlineData("layers.0.mlp.fc1", "encoder.layer.0.intermediate.dense")]
    [InlineData("vit.layers.0.mlp.fc2", "vit.encoder.layer.0.output.dense")]
    [InlineData("dinov2.encoder.layer.1.attention.v_proj", "dinov2.encoder.layer.1.attention.attention.value")]
    [InlineData("model.layers.7.self_attn.qkv_proj", "model.layers.7.attn.qkv_proj")]
    public void Knows_both_names_of_a_layer(string current, string old)
    {
        AssertKnows(current, old);
        AssertKnows(old, current);
    }

    [Theory]
    [InlineData("classifier")]
    [InlineData("vit.layers.x.attention.q_proj")]
    [InlineData("vit.mylayers.0.attention.q_proj")]
    public void Leaves_other_names_alone(string name) =>
        Assert.Equal([name], ModuleAliases.Candidates(new ModuleName(name)).Select(found => found.Value));

    [Fact]
    public void Every_old_name_of_the_vit_fixture_has_a_new_one()
    {
        using var weights = Checkpoint.Open(Fixtures.Path("bev-vit", "hf"));
        var layers = weights.Names.Where(name => name.Contains(".layer.0.", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal));
        Assert.Equal(8, layers.Count());
        Assert.All(layers, name => Assert.NotEmpty(ModuleAliases.Candidates(new ModuleName(name[..^".weight".Length])).Skip(1)));
    }

    private static void AssertKnows(string name, string other)
    {
        var names = ModuleAliases.Candidates(new ModuleName(name)).Select(found => found.Value).ToList();
        Assert.Equal(name, names[0]);
        Assert.Contains(other, names);
        Assert.Distinct(names);
    }
}
