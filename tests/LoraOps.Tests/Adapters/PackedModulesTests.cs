using LoraOps.Adapters;

namespace LoraOps.Tests.Adapters;

public sealed class PackedModulesTests
{
    [Theory]
    [InlineData("h.0.attn.q_proj", "h.0.attn.c_attn", 0, 3)]
    [InlineData("attention.self.value", "attention.self.qkv", 2, 3)]
    [InlineData("mlp.up_proj", "mlp.gate_up_proj", 1, 2)]
    [InlineData("q_proj", "qkv_proj", 0, 3)]
    [InlineData("attn.k_proj", "attn.kv_proj", 0, 2)]
    public void Knows_what_a_module_is_packed_in(string module, string packed, int index, int count) =>
        Assert.Contains(new PackedPart(new ModuleName(packed), index, count), PackedModules.Around(new ModuleName(module)));

    [Fact]
    public void Knows_what_a_packed_module_consists_of()
    {
        var ways = PackedModules.Inside(new ModuleName("attn.qkv_proj")).Select(parts => parts.Select(part => part.Value)).ToList();

        Assert.Contains(["attn.q_proj", "attn.k_proj", "attn.v_proj"], ways);
        Assert.Contains(["attn.query", "attn.key", "attn.value"], ways);
        Assert.Empty(PackedModules.Inside(new ModuleName("attn.o_proj")));
        Assert.Empty(PackedModules.Around(new ModuleName("attn.o_proj")));
    }

    [Theory]
    [InlineData(0, 3, 4, 12, 0)]
    [InlineData(1, 3, 4, 12, 4)]
    [InlineData(2, 3, 4, 12, 8)]
    [InlineData(0, 3, 8, 12, 0)]
    [InlineData(1, 3, 2, 12, 8)]
    [InlineData(2, 3, 2, 12, 10)]
    [InlineData(1, 2, 6, 12, 6)]
    public void Finds_the_rows_of_a_part(int index, int count, long rows, long total, long first) =>
        Assert.Equal(first, new PackedPart(new ModuleName("p"), index, count).FirstRow(rows, total));

    [Theory]
    [InlineData(0, 3, 12, 12)]
    [InlineData(0, 3, 5, 12)]
    [InlineData(0, 3, 2, 12)]
    [InlineData(1, 3, 6, 12)]
    [InlineData(0, 2, 5, 12)]
    public void Says_when_the_sizes_do_not_fit(int index, int count, long rows, long total) =>
        Assert.Null(new PackedPart(new ModuleName("p"), index, count).FirstRow(rows, total));
}
