using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Merging;
using LoraOps.Transforms;
using LoraOps.Writers.Peft;

namespace LoraOps.Tests.Transforms;

/// <summary>An adapter of other ranks is the best one of these ranks.</summary>
public sealed class ResizePlanTests : IDisposable
{
    private const double Limit = 1e-5;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in ReshapeGolden.Names("resize"))
        {
            cases.Add(name, false);
            cases.Add(name, true);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ranks_and_changes_are_those_of_the_definition(string name, bool isKohya)
    {
        var golden = new ReshapeGolden("resize", name);
        var summary = Resized(golden.Adapter, _folder["new"], RuleOf(golden.Recipe, isKohya));
        var written = PeftReader.Read(_folder["new"]);
        var (prefix, kind) = isKohya ? ("", "kohya") : ("plain.", "plain");
        var truths = golden.Truths();

        foreach (var module in golden.Case.GetProperty("modules").EnumerateObject())
        {
            var outcome = summary.Modules.Single(outcome => outcome.Name == module.Name);
            Assert.Equal(module.Value.GetProperty($"{kind}_new_rank").GetInt32(), outcome.Rank);
            Assert.Equal(module.Value.GetProperty($"{kind}_relative_error").GetDouble(), outcome.Error, 1e-7);
            Assert.True(ReshapeGolden.Error(golden.Change(written, $"{module.Name}.weight"), truths[$"{prefix}{module.Name}.weight"]) <= Limit, module.Name);
        }
    }

    [Fact]
    public void To_a_rank_that_it_has_nothing_changes()
    {
        var adapter = Sample();
        var summary = Resized(adapter, _folder["new"], new DynamicRank(RankMeasure.Cap, Cap: 100));
        var written = PeftReader.Read(_folder["new"]);

        Assert.True(summary.Error <= 1e-12);
        foreach (var (before, after) in adapter.Modules.Zip(written.Modules))
        {
            Assert.True(ReshapeGolden.Error(DeltaMatrices.Of(after.Delta, null).ToArray(), DeltaMatrices.Of(before.Delta, null).ToArray()) <= 1e-6);
            Assert.True(after.Delta.Rank <= before.Delta.Rank);
        }
    }

    [Fact]
    public void A_larger_budget_is_kept_and_never_worse()
    {
        var adapter = Sample();
        var last = double.PositiveInfinity;
        var header = 16 + PeftOutput.HeaderBytes(adapter.Modules.Select(module => module.Name.Value).Distinct());
        foreach (var budget in new[] { 700, 900, 1200, 1500, 2500, 100_000 }.Select(tensors => header + tensors))
        {
            var output = _folder[$"b{budget}"];
            var rule = new DynamicRank(RankMeasure.Cap);
            using var plan = ResizePlan.Make(new ResizeRequest { Adapter = adapter, Output = output, Rank = rule, BudgetBytes = budget });
            var summary = plan.Run();

            Assert.InRange(new FileInfo(Path.Combine(output, "adapter_model.safetensors")).Length, summary.Bytes, budget);
            Assert.True(summary.Error <= last);
            last = summary.Error;
        }

        Assert.True(last <= 1e-12);
    }

    [Fact]
    [Raises(ProblemCode.BudgetTooSmall)]
    public void A_budget_below_one_rank_each_is_refused()
    {
        var request = new ResizeRequest { Adapter = Sample(), Output = _folder["new"], Rank = new DynamicRank(RankMeasure.Cap), BudgetBytes = 100 };

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => ResizePlan.Make(request)).Problems);
        Assert.Equal(ProblemCode.BudgetTooSmall, problem.Code);
    }

    [Fact]
    [Raises(ProblemCode.MixBaseNeeded)]
    public void Dora_needs_its_base_and_becomes_plain()
    {
        var source = new TinyAdapter().Linear("a", 6, 5, dora: true);
        var adapter = PeftReader.Read(source.WriteTo(_folder["old"]));
        var rule = new DynamicRank(RankMeasure.Cap, Cap: 5);
        Assert.Equal(ProblemCode.MixBaseNeeded, Assert.Throws<LoraOpsException>(() => Resized(adapter, _folder["new"], rule)).Problems[0].Code);

        var weight = TinyCheckpoint.Tensor("a.weight", ElementType.F32, 5, 6);
        TinyCheckpoint.File(_folder["base.safetensors"], weight);
        var summary = Resized(adapter, _folder["new"], rule, _folder["base.safetensors"]);
        var written = PeftReader.Read(_folder["new"]);

        Assert.Contains(summary.Warnings, warning => warning.Contains("dora", StringComparison.Ordinal));
        Assert.False(written.Config.UsesDora);
        var truth = DeltaMatrices.Of(adapter.Modules[0].Delta, TargetWeight.Of(weight.Shape, weight.ToFloats())).ToArray();
        Assert.True(ReshapeGolden.Error(DeltaMatrices.Of(written.Modules[0].Delta, null).ToArray(), truth) <= 1e-6);
    }

    [Fact]
    public void The_same_resizing_gives_the_same_bytes()
    {
        foreach (var (name, memory) in new[] { ("one", 1L), ("two", 1L << 30) })
        {
            using var plan = ResizePlan.Make(new ResizeRequest
            {
                Adapter = Sample(), Output = _folder[name], Rank = new DynamicRank(RankMeasure.Frobenius, 0.9), MemoryBytes = memory,
            });
            plan.Run();
        }

        foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.Equal(File.ReadAllBytes(_folder[$"one/{file}"]), File.ReadAllBytes(_folder[$"two/{file}"]));
    }

    [Theory]
    [InlineData(RankMeasure.Cap, 1, 3)]
    [InlineData(RankMeasure.Ratio, 20, 36)]
    [InlineData(RankMeasure.Cumulative, 0.9, 36)]
    [InlineData(RankMeasure.Frobenius, 0.95, 36)]
    public void A_method_without_factors_becomes_lora_of_the_same_change(RankMeasure measure, double parameter, int cap)
    {
        var source = new TinyAdapter().With("peft_type", "\"LOHA\"").With("alpha", "4").Without("lora_alpha").Without("init_lora_weights")
            .Tensor("base_model.model.a.hada_w1_a", 40, 6).Tensor("base_model.model.a.hada_w1_b", 6, 50)
            .Tensor("base_model.model.a.hada_w2_a", 40, 6).Tensor("base_model.model.a.hada_w2_b", 6, 50);
        var adapter = PeftReader.Read(source.WriteTo(_folder["old"]));
        TinyCheckpoint.File(_folder["base.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.F32, 40, 50));
        var rule = new DynamicRank(measure, parameter, cap, IsKohya: false);
        var summary = Resized(adapter, _folder["new"], rule, _folder["base.safetensors"]);

        var truth = DeltaMatrices.Of(adapter.Modules[0].Delta, TargetWeight.Of(new TensorShape(40, 50), new float[2000])).ToArray();
        var found = DeltaMatrices.Of(PeftReader.Read(_folder["new"]).Modules[0].Delta, null).ToArray();
        Assert.Equal(summary.Error, ReshapeGolden.Error(found, truth), 1e-6);
        Assert.InRange(summary.Modules[0].Rank, measure == RankMeasure.Cap ? 3 : 4, measure == RankMeasure.Cap ? 3 : 36);
    }

    public void Dispose() => _folder.Dispose();

    private Adapter Sample() => PeftReader.Read(new TinyAdapter().With("r", "4").With("use_rslora", "true").With("bias", "\"all\"").With("lora_bias", "true")
        .Linear("a", 12, 9, rank: 4).Tensor("base_model.model.a.lora_B.bias", 9)
        .Convolution("b", 3, 6, [3, 3], rank: 4).Tensor("base_model.model.b.lora_B.bias", 6)
        .Tensor("base_model.model.c.bias", 5).WriteTo(_folder["sample"]));

    private static TransformSummary Resized(Adapter adapter, string output, DynamicRank rule, string? weights = null)
    {
        using var plan = ResizePlan.Make(new ResizeRequest { Adapter = adapter, Output = output, Rank = rule, Base = weights });
        return plan.Run();
    }

    private static DynamicRank RuleOf(JsonElement recipe, bool isKohya)
    {
        var cap = recipe.GetProperty("new_rank").GetInt32();
        return recipe.GetProperty("dynamic_method").GetString() is not { } method
            ? new DynamicRank(RankMeasure.Cap, 1, cap, isKohya)
            : new DynamicRank(
                method switch { "sv_ratio" => RankMeasure.Ratio, "sv_cumulative" => RankMeasure.Cumulative, _ => RankMeasure.Frobenius },
                recipe.GetProperty("dynamic_param").GetDouble(), cap, isKohya);
    }
}
