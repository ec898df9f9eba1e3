using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Recipes.Tests;

/// <summary>Adapters that a recipe makes of others.</summary>
public sealed class MixTests : IDisposable
{
    private const string Pearl = "mixes: {pearl-delta: {of: {guangzhou: 0.6, shanghai: 0.4}, method: ties, density: 0.5}}";
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Fact]
    public void A_mix_is_converted_quantized_and_proven_like_any_adapter()
    {
        var recipe = _kitchen.Write("shanghai guangzhou", more: Pearl);
        var report = Kitchen.Run(recipe, only: "pearl-delta");
        var job = Assert.Single(report.Jobs);
        Assert.Equal(JobStatus.Built, job.Status);
        Assert.InRange(job.Cosine!.Value, 0.99, 1);
        var manifest = BundleVerifier.Read(_kitchen.Bundle("pearl-delta-x64-vnni"));
        Assert.Equal([("guangzhou", 0.6), ("shanghai", 0.4)], manifest.Adapters.Select(adapter => (adapter.Name, adapter.Weight)));
        Assert.Equal("ties", manifest.Mix?.Method);
        Assert.Equal("0.5", manifest.Mix?.Parameters["density"]);
        Assert.Equal("guangzhou.safetensors+shanghai.safetensors", manifest.Quantization?.Calibration?.File);
        Assert.Equal(["adapt", "quantize"], manifest.Parity.Select(check => check.Step));
    }

    [Fact]
    public void A_second_run_does_nothing_and_another_density_does_it_anew()
    {
        var recipe = _kitchen.Write("shanghai guangzhou", more: Pearl);
        Kitchen.Run(recipe, only: "pearl-delta");
        Assert.True(Kitchen.Run(recipe, only: "pearl-delta").IsUpToDate);
        var changed = _kitchen.Write("shanghai guangzhou", more: Pearl.Replace("0.5", "0.25", StringComparison.Ordinal));
        Assert.Equal(JobStatus.Built, Assert.Single(Kitchen.Run(changed, only: "pearl-delta").Jobs).Status);
    }

    [Fact]
    public void A_plan_says_what_is_mixed()
    {
        var plan = Plan.Make(_kitchen.Write("shanghai guangzhou", more: Pearl), new PlanOptions { Only = "pearl-delta" });
        Assert.Equal("mix pearl-delta of guangzhou, shanghai (ties density=0.5) and merge it into the base", plan.Steps[0].What);
        Assert.False(Directory.Exists(_kitchen.Output));
    }

    [Fact]
    public void A_recipe_may_hold_mixes_only()
    {
        var adapter = Fixtures.Path("bev-vit", "adapters", "shanghai");
        var data = Fixtures.Path("bev-vit");
        var mix = $"{{of: {{{adapter}: 1}}, method: cat, calibration: {data}/calibration/shanghai.safetensors, evaluation: {data}/eval/shanghai.safetensors}}";
        _kitchen.Write();
        File.WriteAllText(_kitchen.Path, File.ReadAllText(_kitchen.Path).Split("adapters:\n")[0].TrimEnd() + $"\nmixes: {{one: {mix}}}\n");
        var recipe = Recipe.Load(_kitchen.Path);
        Assert.Equal("one", Assert.Single(recipe.Adapters).Name);
    }

    [Theory]
    [InlineData("mixes: {shanghai: {of: {shanghai: 1}, method: cat}}", ProblemCode.RecipeKeyTwice)]
    [InlineData("mixes: {a/b: {of: {shanghai: 1}, method: cat}}", ProblemCode.RecipeValueWrong)]
    [InlineData("mixes: {m: {of: {gone: 1}, method: cat}}", ProblemCode.RecipeFileMissing)]
    [InlineData("mixes: {m: {of: {shanghai: much}, method: cat}}", ProblemCode.RecipeValueWrong)]
    [InlineData("mixes: {m: {of: {shanghai: 1}, method: tise}}", ProblemCode.RecipeValueWrong)]
    [InlineData("mixes: {m: {of: {shanghai: 1}}}", ProblemCode.RecipeKeyMissing)]
    [InlineData("mixes: {m: {method: cat}}", ProblemCode.RecipeKeyMissing)]
    [InlineData("mixes: {m: {of: {shanghai: 1}, method: ties, density: 2}}", ProblemCode.RecipeValueWrong)]
    [InlineData("mixes: {m: {of: {shanghai: 1}, method: cat, colour: red}}", ProblemCode.RecipeKeyUnknown)]
    public void A_wrong_mix_is_named(string more, ProblemCode expected) =>
        Assert.Contains(expected, Assert.Throws<LoraOpsException>(() => _kitchen.Write(more: more)).Problems.Select(problem => problem.Code));

    [Fact]
    public void What_a_method_lacks_is_told_by_the_plan()
    {
        var recipe = _kitchen.Write(more: "mixes: {m: {of: {shanghai: 1}, method: ties}}");
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Plan.Make(recipe)).Problems);
        Assert.Equal(ProblemCode.MixSettingInvalid, problem.Code);
        Assert.StartsWith(_kitchen.Path, problem.Where, StringComparison.Ordinal);
    }
}
