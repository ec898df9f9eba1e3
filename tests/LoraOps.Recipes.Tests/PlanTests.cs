using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Recipes.Tests;

/// <summary>A plan finds before the work what would spoil it, and writes nothing.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Fact]
    public void A_plan_lists_every_step_and_writes_nothing()
    {
        var plan = Plan.Make(_kitchen.Write("shanghai beijing", "orin-x, x64-vnni"));
        Assert.Equal(["convert", "quantize", "publish", "quantize", "publish"], plan.Steps.Take(5).Select(step => step.Stage));
        Assert.Equal(10, plan.Steps.Count);
        Assert.All(plan.Steps, step => Assert.False(step.IsDone));
        Assert.False(Directory.Exists(_kitchen.Output));
    }

    [Theory]
    [InlineData("beijing", "beijing-orin-x beijing-x64-vnni")]
    [InlineData("*/orin-x", "shanghai-orin-x beijing-orin-x")]
    [InlineData("s*/x*", "shanghai-x64-vnni")]
    public void Only_some_jobs_are_planned(string only, string jobs)
    {
        var plan = Plan.Make(_kitchen.Write("shanghai beijing", "orin-x, x64-vnni"), new PlanOptions { Only = only });
        Assert.Equal(jobs, string.Join(' ', plan.Adapters.SelectMany(adapter => adapter.Jobs).Select(job => job.Name)));
        Assert.False(plan.IsWhole);
    }

    [Fact]
    [Raises(ProblemCode.RunSelectsNothing)]
    public void A_pattern_that_fits_nothing_is_a_wrong_command()
    {
        var refused = Assert.Throws<LoraOpsException>(() => Plan.Make(_kitchen.Write(), new PlanOptions { Only = "shangai" }));
        Assert.Equal(ProblemCode.RunSelectsNothing, refused.Problems[0].Code);
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("shanghai/x64-vnni", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_with_several_inputs_is_told_at_once_with_lines()
    {
        Directory.CreateDirectory(_kitchen["empty"]);
        File.Copy(Fixtures.Path("bev-vit", "hf", "model.safetensors"), _kitchen["weights.safetensors"]);
        var recipe = _kitchen.Write("beijing", more: """
              shanghai:
                path: empty
                calibration: weights.safetensors
                evaluation: %/bev-vit/calibration/shanghai.safetensors
              guangzhou:
                path: %/voice-gpt2/adapters/guangdong
                expected: %/bev-vit/eval/guangzhou.safetensors
            """.Replace("%", Fixtures.Path(), StringComparison.Ordinal));
        var problems = Assert.Throws<LoraOpsException>(() => Plan.Make(recipe)).Problems;
        Assert.All(problems, problem => Assert.StartsWith(_kitchen.Path + ":", problem.Where, StringComparison.Ordinal));
        var lines = problems.Select(problem => problem.Where[(_kitchen.Path.Length + 1)..].Split(':')[0]).ToHashSet();
        Assert.Equal(["13", "14", "15", "17", "18"], lines.Order());
        Assert.Contains(problems, problem => problem.Code == ProblemCode.LabelsMissing);
        Assert.Contains(problems, problem => problem.Code == ProblemCode.ExpectationMissing);
        Assert.False(Directory.Exists(_kitchen.Output));
    }

    [Fact]
    public void What_no_weight_can_take_in_is_refused()
    {
        var recipe = _kitchen.Write("beijing", more: $"  shanghai:\n    path: {Fixtures.Path("neck-cnn", "adapters", "shanghai-depthwise")}");
        var problems = Assert.Throws<LoraOpsException>(() => Plan.Make(recipe)).Problems;
        Assert.Equal([ProblemCode.GroupedConvolution, ProblemCode.GroupedConvolution], problems.Select(problem => problem.Code));
        Assert.False(Directory.Exists(_kitchen.Output));
    }

    [Fact]
    public void A_base_that_is_no_model_is_told_beside_the_rest()
    {
        var recipe = _kitchen.Write();
        File.WriteAllText(_kitchen["no.onnx"], "no");
        Directory.CreateDirectory(_kitchen["empty"]);
        var broken = recipe with
        {
            Model = new Written<string>(_kitchen["no.onnx"], 3),
            Adapters = [recipe.Adapters[0] with { Path = new Written<string>(_kitchen["empty"], 9) }],
        };
        var problems = Assert.Throws<LoraOpsException>(() => Plan.Make(broken)).Problems;
        Assert.Equal(ProblemCode.NotOnnx, problems[0].Code);
        Assert.True(problems.Count > 1);
    }

    [Fact]
    [Raises(ProblemCode.OutputExists)]
    public void A_strange_folder_in_the_place_of_a_bundle_stops_the_plan_unless_told_otherwise()
    {
        var recipe = _kitchen.Write();
        Directory.CreateDirectory(_kitchen.Bundle("shanghai-x64-vnni"));
        File.WriteAllText(_kitchen.Bundle("shanghai-x64-vnni", "mine.txt"), "");
        var refused = Assert.Throws<LoraOpsException>(() => Plan.Make(recipe));
        Assert.Equal(ProblemCode.OutputExists, Assert.Single(refused.Problems).Code);
        Assert.Single(Plan.Make(recipe, new PlanOptions { Overwrite = true }).Adapters);
    }

    [Fact]
    [Raises(ProblemCode.OutputUnwritable)]
    public void An_output_below_a_file_stops_the_plan()
    {
        var recipe = _kitchen.Write(more: "output: recipe.yaml/out");
        Assert.Equal(ProblemCode.OutputUnwritable, Assert.Throws<LoraOpsException>(() => Plan.Make(recipe)).Problems[0].Code);
    }

    [Fact]
    public void Two_jobs_of_one_bundle_name_stop_the_plan()
    {
        var recipe = _kitchen.Write("shanghai beijing");
        var chip = recipe.Chips[0].Value;
        var clash = recipe with
        {
            Adapters = [recipe.Adapters[0] with { Name = "a-b" }, recipe.Adapters[1] with { Name = "a" }],
            Chips = [new Written<Onnx.Chips.ChipProfile>(chip with { Name = "c" }, 8), new Written<Onnx.Chips.ChipProfile>(chip with { Name = "b-c" }, 8)],
        };
        Assert.Equal(ProblemCode.RecipeKeyTwice, Assert.Throws<LoraOpsException>(() => Plan.Make(clash)).Problems[0].Code);
    }
}
