using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Merging;
using LoraOps.Transforms;

namespace LoraOps.Tests.Transforms;

/// <summary>An adapter in plain form does what it did.</summary>
public sealed class NormalizePlanTests
{
    private const double Limit = 1e-6;

    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in ReshapeGolden.Names("normalize"))
        {
            cases.Add(name, false);
            cases.Add(name, true);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_change_is_the_one_before(string name, bool keepsRanks)
    {
        var golden = new ReshapeGolden("normalize", name);
        using var folder = new TemporaryFolder();
        var written = Normalized(golden.Adapter, folder["new"], keepsRanks);

        foreach (var (parameter, truth) in golden.Truths())
            Assert.True(ReshapeGolden.Error(golden.Change(written, parameter), truth) <= Limit, parameter);

        var config = written.Config;
        Assert.False(config.UsesRsLora);
        Assert.Equal(config.Rank, config.Alpha);
        Assert.Empty(config.AlphaPattern);
        if (keepsRanks)
            Assert.Equal(golden.Case.GetProperty("expected_config").GetProperty("r").GetInt32(), config.Rank);
        else
            Assert.All(written.Modules.Where(module => module.Delta.Rank > 0), module => Assert.Equal(config.Rank, module.Delta.Rank));

        Assert.True(keepsRanks || config.RankPattern.Count == 0);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Twice_is_once(string name, bool keepsRanks)
    {
        using var folder = new TemporaryFolder();
        var once = Normalized(new ReshapeGolden("normalize", name).Adapter, folder["once"], keepsRanks);
        Normalized(once, folder["twice"], keepsRanks);

        foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.Equal(File.ReadAllBytes(folder[$"once/{file}"]), File.ReadAllBytes(folder[$"twice/{file}"]));
    }

    [Theory]
    [InlineData(8, ElementType.BF16)]
    [InlineData(0.3, ElementType.F32)]
    public void Half_types_stay_where_no_value_is_rounded(double alpha, ElementType expected)
    {
        using var folder = new TemporaryFolder();
        var source = new TinyAdapter().With("lora_alpha", alpha.ToString(CultureInfo.InvariantCulture))
            .Tensor(Half("base_model.model.a.lora_A.weight", 2, 5)).Tensor(Half("base_model.model.a.lora_B.weight", 4, 2));
        var written = Normalized(PeftReader.Read(source.WriteTo(folder["old"])), folder["new"], false);

        Assert.Equal([expected], written.Types);
    }

    [Fact]
    public void Saved_modules_and_biases_are_copied_bit_for_bit_and_norms_of_convolutions_keep_their_shape()
    {
        using var folder = new TemporaryFolder();
        var source = new TinyAdapter().With("bias", "\"lora_only\"").With("modules_to_save", "[\"head\"]").With("alpha_pattern", "{\"a\": 3}")
            .Convolution("a", 3, 4, [3, 3], dora: true).Tensor("base_model.model.a.bias", 4).Tensor(Half("base_model.model.head.weight", 3, 3));
        var old = PeftReader.Read(source.WriteTo(folder["old"]));
        var written = Normalized(old, folder["new"], false);

        Assert.Equal(Names(old), Names(written));
        foreach (var (before, after) in old.Replacements.Zip(written.Replacements))
            Assert.True(before.Value.Type == after.Value.Type && before.Value.ToBytes().AsSpan().SequenceEqual(after.Value.ToBytes()));

        using var file = SafetensorsFile.Open(folder["new/adapter_model.safetensors"]);
        Assert.Equal(new TensorShape(1, 4, 1, 1), file.Find("base_model.model.a.lora_magnitude_vector")!.Shape);
        Assert.Equal(((DoraDelta)old.Modules[0].Delta).Magnitude.ToBytes(), ((DoraDelta)written.Modules[0].Delta).Magnitude.ToBytes());
    }

    [Fact]
    public void Factors_of_another_method_become_loras()
    {
        using var folder = new TemporaryFolder();
        var source = new TinyAdapter().With("peft_type", "\"ADALORA\"").With("init_r", "3").With("rank_pattern", "null")
            .Tensor("base_model.model.a.lora_A", 3, 5).Tensor("base_model.model.a.lora_B", 4, 3).Tensor("base_model.model.a.lora_E", 3, 1);
        var old = PeftReader.Read(source.WriteTo(folder["old"]));
        TinyCheckpoint.File(folder["base.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.F32, 4, 5));
        var written = Normalized(old, folder["new"], false, folder["base.safetensors"]);

        Assert.Equal("LORA", written.Config.PeftType);
        var shape = new TensorShape(4, 5);
        var truth = DeltaMatrices.Of(old.Modules[0].Delta, TargetWeight.Of(shape, new float[20])).ToArray();
        Assert.True(ReshapeGolden.Error(DeltaMatrices.Of(written.Modules[0].Delta, null).ToArray(), truth) <= Limit);
    }

    [Fact]
    [Raises(ProblemCode.MixDeltaRefused)]
    public void A_method_without_factors_is_refused_with_what_to_do()
    {
        using var folder = new TemporaryFolder();
        var source = new TinyAdapter().With("peft_type", "\"LOHA\"").With("alpha", "4").Without("lora_alpha").Without("init_lora_weights")
            .Tensor("base_model.model.a.hada_w1_a", 4, 2).Tensor("base_model.model.a.hada_w1_b", 2, 5)
            .Tensor("base_model.model.a.hada_w2_a", 4, 2).Tensor("base_model.model.a.hada_w2_b", 2, 5);
        var old = PeftReader.Read(source.WriteTo(folder["old"]));

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Normalized(old, folder["new"], false)).Problems);
        Assert.Equal(ProblemCode.MixDeltaRefused, problem.Code);
        Assert.Contains("resize", problem.Advice, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["new"]));
    }

    private static Adapter Normalized(Adapter adapter, string output, bool keepsRanks, string? weights = null)
    {
        using var plan = NormalizePlan.Make(new NormalizeRequest { Adapter = adapter, Output = output, KeepsRanks = keepsRanks, Base = weights });
        plan.Run();
        return PeftReader.Read(output);
    }

    private static IEnumerable<(string, bool)> Names(Adapter adapter) =>
        adapter.Replacements.Select(replacement => (replacement.FullName, replacement.IsBias));

    private static BufferTensor Half(string name, params long[] dims)
    {
        var values = Enumerable.Range(0, (int)new TensorShape(dims).ElementCount).Select(at => ((at * 37 % 101) - 50) / 64f).ToArray();
        return BufferTensor.FromFloats(name, ElementType.BF16, new TensorShape(dims), values);
    }
}
