using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>LoRA on fused experts: which parameter, which layout, and bases that store the experts one by one.</summary>
public sealed class ExpertsTests : IDisposable
{
    private const string Both = "[\"experts.gate_up_proj\", \"experts.down_proj\"]";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_base_of_single_experts_gets_what_the_fused_one_gets()
    {
        var adapter = Fused();
        var fused = Merge(adapter, null, Experts("m.mlp.experts.gate_up_proj", 2, 8, 6), Experts("m.mlp.experts.down_proj", 2, 6, 4));
        var single = Merge(adapter, null, [.. Enumerable.Range(0, 2).SelectMany(expert => Single($"m.block_sparse_moe.experts.{expert}"))]);

        for (var expert = 0; expert < 2; expert++)
        {
            var name = $"m.block_sparse_moe.experts.{expert}";
            Assert.Equal(
                fused["m.mlp.experts.gate_up_proj"].AsSpan(expert * 48, 48).ToArray(),
                single[$"{name}.w1.weight"].Concat(single[$"{name}.w3.weight"]).ToArray());
            Assert.Equal(fused["m.mlp.experts.down_proj"].AsSpan(expert * 24, 24).ToArray(), single[$"{name}.w2.weight"]);
        }
    }

    [Fact]
    public void An_adapter_of_single_experts_changes_their_rows_of_the_fused_base()
    {
        var adapter = new TinyAdapter().Linear("m.mlp.experts.1.gate_proj", 6, 4).Linear("m.mlp.experts.1.up_proj", 6, 4)
            .Linear("m.mlp.experts.0.down_proj", 4, 6);
        var fused = Merge(adapter, null, Experts("m.mlp.experts.gate_up_proj", 2, 8, 6), Experts("m.mlp.experts.down_proj", 2, 6, 4));
        var single = Merge(adapter, null, Zeros("m.mlp.experts.1.gate_proj.weight", 4, 6), Zeros("m.mlp.experts.1.up_proj.weight", 4, 6),
            Zeros("m.mlp.experts.0.down_proj.weight", 6, 4));

        Assert.Equal(
            new float[48].Concat(single["m.mlp.experts.1.gate_proj.weight"]).Concat(single["m.mlp.experts.1.up_proj.weight"]),
            fused["m.mlp.experts.gate_up_proj"]);
        Assert.Equal(single["m.mlp.experts.0.down_proj.weight"].Concat(new float[24]), fused["m.mlp.experts.down_proj"]);
    }

    [Theory]
    [InlineData(null, "llama", true)]
    [InlineData("0.18.1", "llama", true)]
    [InlineData("0.19.0", "llama", false)]
    [InlineData("0.20.1.dev0@UNKNOWN", "gpt_oss", true)]
    public void Equal_dimensions_are_laid_out_as_the_version_did(string? version, string family, bool isTransposed)
    {
        var adapter = Square();
        var config = $$"""{"model_type": "{{family}}"}""";
        if (version is not null)
            adapter.With("peft_version", $"\"{version}\"");

        var merged = Merge(adapter, config, Experts("m.experts.p", 1, 2, 2))["m.experts.p"];

        // scale 8, r = 1: out [1, 2], in [3, 4]
        Assert.Equal(isTransposed ? [24, 48, 32, 64] : [24, 32, 48, 64], merged);
    }

    [Theory]
    [InlineData("newest", "{}")]
    [InlineData("0.20.0", "{}")]
    [Raises(ProblemCode.ParameterAmbiguous)]
    public void Equal_dimensions_that_nothing_decides_are_refused(string version, string config) => Assert.Equal(
        [ProblemCode.ParameterAmbiguous], Problems(Square().With("peft_version", $"\"{version}\""), config, Experts("m.experts.p", 1, 2, 2)));

    [Fact]
    public void Equal_dimensions_are_laid_out_as_the_others_are()
    {
        var adapter = Square().With("target_parameters", "[\"experts.p\", \"other.p\"]")
            .Tensor("m.other.lora_A.weight", 1, 3).Tensor("m.other.lora_B.weight", 5, 1);

        Assert.Equal([24, 32, 48, 64], Merge(adapter, null, Experts("m.experts.p", 1, 2, 2), Experts("m.other.p", 1, 5, 3))["m.experts.p"]);
    }

    [Fact]
    public void Parameters_of_one_shape_are_told_by_the_order_of_registration()
    {
        var known = Twins("w1", "w2");
        var merged = Merge(known, null, Experts("m.experts.w1", 1, 3, 2), Experts("m.experts.w2", 1, 3, 2));
        Assert.Equal(Enumerable.Repeat(8f, 6), merged["m.experts.w1"]);
        Assert.Equal(Enumerable.Repeat(16f, 6), merged["m.experts.w2"]);

        Assert.Equal([ProblemCode.ParameterAmbiguous], Problems(Twins("p", "q"), "{}", Experts("m.experts.p", 1, 3, 2), Experts("m.experts.q", 1, 3, 2)));
    }

    [Fact]
    public void Parameters_that_fit_nothing_or_are_not_there_are_refused()
    {
        Assert.Equal([ProblemCode.WeightShapeMismatch], Problems(Square(), "{}", Experts("m.experts.p", 2, 2, 2), Experts("m.x.weight", 1, 1, 1)));
        Assert.Equal([ProblemCode.ModuleUnmatched], Problems(Square(), "{}", Experts("m.x.weight", 1, 1, 1)));
    }

    public void Dispose() => _folder.Dispose();

    private static TinyAdapter Fused() => new TinyAdapter().With("target_parameters", Both)
        .Tensor("m.mlp.experts.base_layer.lora_A.weight", 4, 6).Tensor("m.mlp.experts.base_layer.lora_B.weight", 8, 4)
        .Tensor("m.mlp.experts.lora_A.weight", 4, 4).Tensor("m.mlp.experts.lora_B.weight", 6, 4);

    private static TinyAdapter Square() => new TinyAdapter().With("target_parameters", "[\"experts.p\"]").With("r", "1")
        .Tensor("m.experts.lora_A.weight", [3, 4], 1, 2).Tensor("m.experts.lora_B.weight", [1, 2], 2, 1);

    // The inner wrapper adds 8, the outer 16.
    private static TinyAdapter Twins(string first, string second) => new TinyAdapter().With("r", "1")
        .With("target_parameters", $"[\"experts.{second}\", \"experts.{first}\"]")
        .Tensor("m.experts.base_layer.lora_A.weight", [1, 1], 1, 2).Tensor("m.experts.base_layer.lora_B.weight", [1, 1, 1], 3, 1)
        .Tensor("m.experts.lora_A.weight", [2, 2], 1, 2).Tensor("m.experts.lora_B.weight", [1, 1, 1], 3, 1);

    private static BufferTensor Zeros(string name, params long[] dims) =>
        BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(dims), new float[new TensorShape(dims).ElementCount]);

    private static BufferTensor Experts(string name, long experts, long rows, long columns) => Zeros(name, experts, rows, columns);

    private static Tensor[] Single(string name) =>
        [Zeros($"{name}.w1.weight", 4, 6), Zeros($"{name}.w2.weight", 6, 4), Zeros($"{name}.w3.weight", 4, 6)];

    private MergePlan Plan(TinyAdapter adapter, string? config, Tensor[] tensors)
    {
        var source = TinyCheckpoint.File(_folder["base/model.safetensors"], tensors);
        File.WriteAllText(_folder["base/config.json"], config ?? "{}");
        var adapters = new[] { new AdapterSource(adapter.WriteTo(_folder["adapter"])) };
        return MergePlan.Make(source, adapters, _folder["out.safetensors"], new MergeOptions { Overwrite = true });
    }

    private Dictionary<string, float[]> Merge(TinyAdapter adapter, string? config, params Tensor[] tensors)
    {
        using (var plan = Plan(adapter, config, tensors))
            plan.Run();

        using var merged = SafetensorsFile.Open(_folder["out.safetensors"]);
        return merged.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.ToFloats());
    }

    private IEnumerable<ProblemCode> Problems(TinyAdapter adapter, string config, params Tensor[] tensors) =>
        Assert.Throws<LoraOpsException>(() => Plan(adapter, config, tensors)).Problems.Select(problem => problem.Code);
}
