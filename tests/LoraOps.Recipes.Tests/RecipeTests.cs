using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Recipes.Tests;

/// <summary>A recipe says all of its mistakes at once, each with its line.</summary>
public sealed class RecipeTests : IDisposable
{
    private const string Good = """
        recipe: 1
        name: demo
        base:
          model: model.onnx
        defaults:
          path: "{adapter}"
          calibration: data
          evaluation: data
        adapters:
          one:
          two: {evaluation: more}
        chips: [orin-x, x64-vnni]
        gates:
          quantize: [cosine>=0.99]
        """;

    private readonly TemporaryFolder _folder = new();

    public RecipeTests()
    {
        foreach (var name in new[] { "model.onnx", "one", "two", "data", "more" })
            File.WriteAllText(_folder[name], "");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_demo_recipe_has_four_cities_and_two_chips()
    {
        var recipe = Recipe.Load(Fixtures.Path("bev-vit", "recipe.yaml"));
        Assert.Equal(["shanghai", "guangzhou", "chengdu", "beijing"], recipe.Adapters.Select(adapter => adapter.Name));
        Assert.Equal(["orin-x", "x64-vnni"], recipe.Chips.Select(chip => chip.Value.Name));
        Assert.Equal(["max-abs<=0.0001"], recipe.ConvertGates.Select(gate => gate.ToString()));
        Assert.Equal(["cosine>=0.99", "accuracy-drop<=1.5"], recipe.QuantizeGates.Select(gate => gate.ToString()));
        Assert.Equal(Fixtures.Path("bev-vit", "out"), recipe.Output.Value);
        Assert.Equal(Fixtures.Path("bev-vit", "reference/chengdu.safetensors"), recipe.Adapters[2].Expected?.Value);
    }

    [Fact]
    public void What_keeps_the_accuracy_is_read_as_the_command_reads_it()
    {
        const string Wanted = "\nquantize: {smooth: 0.4, smooth-insert: true, correct-bias: true, rounding: gptq}\n";
        File.WriteAllText(_folder["recipe.yaml"], Good + Wanted);
        var recovery = Recipe.Load(_folder["recipe.yaml"]).Recovery;
        Assert.Equal("smooth 0.4 True equalize False bias True rounding Gptq", recovery.Spelling);

        File.WriteAllText(_folder["recipe.yaml"], Good + "\nquantize: {smooth: 2, equalize: perhaps, rounding: gtpq}\n");
        var refused = Assert.Throws<LoraOpsException>(() => Recipe.Load(_folder["recipe.yaml"]));
        Assert.Equal(3, refused.Problems.Count);
        Assert.Contains(refused.Problems, problem => problem.What.Contains("neither a number from 0 to 1 nor auto", StringComparison.Ordinal));
        Assert.Contains(refused.Problems, problem => problem.What.Contains("nearest: 'gptq'", StringComparison.Ordinal));
    }

    [Fact]
    public void An_adapter_overrides_the_defaults()
    {
        var recipe = Load(Good);
        Assert.Equal([_folder["data"], _folder["more"]], recipe.Adapters.Select(adapter => adapter.Evaluation.Name));
        Assert.Equal([_folder["one"], _folder["two"]], recipe.Adapters.Select(adapter => adapter.Path?.Value));
        Assert.Equal([10, 11], recipe.Adapters.Select(adapter => adapter.Line));
        Assert.Null(recipe.Adapters[0].Expected);
        Assert.Equal("cosine>=0.99", Assert.Single(recipe.GatesFor(recipe.Chips[0].Value)).ToString());
    }

    [Theory]
    [InlineData("name: demo", "nam: demo", 2, ProblemCode.RecipeKeyUnknown, "nearest: 'name'")]
    [InlineData("  model:", "  graph: x\n  model:", 4, ProblemCode.RecipeKeyUnknown, "'base.graph'")]
    [InlineData("{evaluation: more}", "{evaluaton: more}", 11, ProblemCode.RecipeKeyUnknown, "'adapters.two.evaluaton'")]
    [InlineData("  calibration: data\n", "", 9, ProblemCode.RecipeKeyMissing, "'adapters.one.calibration'")]
    [InlineData("name: demo", "name:", 2, ProblemCode.RecipeKeyMissing, "'name'")]
    [InlineData("  model: model.onnx", "  weights: data", 4, ProblemCode.RecipeKeyMissing, "'base.model'")]
    [InlineData("name: demo", "name: demo\nname: again", 3, ProblemCode.RecipeKeyTwice, "line 2")]
    [InlineData("  two:", "  One: {path: one}\n  two:", 11, ProblemCode.RecipeKeyTwice, "line 10")]
    [InlineData("[orin-x, x64-vnni]", "[orin-x, orin-x]", 12, ProblemCode.RecipeKeyTwice, "orin-x")]
    [InlineData("recipe: 1", "recipe: 2", 1, ProblemCode.RecipeValueWrong, "reads 1")]
    [InlineData("name: demo", "name: demo\nquantize: {calibrator: entropi}", 3, ProblemCode.RecipeValueWrong, "nearest: 'entropy'")]
    [InlineData("name: demo", "name: demo\nquantize: {bins: 4096}", 3, ProblemCode.RecipeValueWrong, "goes with calibrator: percentile")]
    [InlineData("name: demo", "name: demo\nquantize: {calibrator: percentile, percentile: 20}", 3, ProblemCode.RecipeValueWrong, "above 50")]
    [InlineData("name: demo", "name: demo\nquantize: {moving-average: 0}", 3, ProblemCode.RecipeValueWrong, "above 0")]
    [InlineData("name: demo", "name: demo\nquantize: {calibrater: mse}", 3, ProblemCode.RecipeKeyUnknown, "'quantize.calibrater'")]
    [InlineData("name: demo", "name: [demo]", 2, ProblemCode.RecipeValueWrong, "is a list, not a text")]
    [InlineData("name: demo", "name: ../demo", 2, ProblemCode.RecipeValueWrong, "'../demo'")]
    [InlineData("chips: [orin-x, x64-vnni]", "chips: orin-x", 12, ProblemCode.RecipeValueWrong, "is a text, not a list")]
    [InlineData("[orin-x, x64-vnni]", "[orin-x, [x64-vnni]]", 12, ProblemCode.RecipeValueWrong, "is a list, not a text")]
    [InlineData("  one:\n", "  one: here\n", 10, ProblemCode.RecipeValueWrong, "not a mapping")]
    [InlineData("  one:\n", "  ../one:\n", 10, ProblemCode.RecipeValueWrong, "'../one'")]
    [InlineData("\"{adapter}\"", "\"{city}\"", 6, ProblemCode.RecipeValueWrong, "{adapter}")]
    [InlineData("model.onnx", "modell.onnx", 4, ProblemCode.RecipeFileMissing, "'modell.onnx'")]
    [InlineData("  two:", "  three:", 11, ProblemCode.RecipeFileMissing, "'adapters.three.path'")]
    [InlineData("cosine>=0.99", "cosin>=0.99", 14, ProblemCode.RecipeGateInvalid, "nearest: 'cosine'")]
    [InlineData("cosine>=0.99", "cosine~0.99", 14, ProblemCode.RecipeGateInvalid, "no operator")]
    [InlineData("orin-x,", "orin-y,", 12, ProblemCode.RecipeChipUnknown, "nearest: 'orin-x'")]
    [InlineData("orin-x,", "mine.json,", 12, ProblemCode.FileMissing, "mine.json")]
    [InlineData("chips: [orin-x, x64-vnni]", "chips: []", 1, ProblemCode.RecipeKeyMissing, "'chips'")]
    [InlineData("  one:\n  two: {evaluation: more}", "  {}", 10, ProblemCode.RecipeKeyMissing, "'adapters'")]
    [InlineData("  quantize:", "  convert: [max-abs<=1]\n  quantize:", 10, ProblemCode.RecipeKeyMissing, "'adapters.one.expected'")]
    [InlineData("  one:", "  one: &a", 10, ProblemCode.RecipeNotYaml, "anchors")]
    [InlineData("  one:", "  one: *a", 10, ProblemCode.RecipeNotYaml, "aliases")]
    [InlineData("name: demo", "name: !!str demo", 2, ProblemCode.RecipeNotYaml, "tags")]
    [InlineData("name: demo", "name: [demo", 2, ProblemCode.RecipeNotYaml, "")]
    [InlineData("name: demo", "[name]: demo", 2, ProblemCode.RecipeNotYaml, "key")]
    [InlineData("gates:", "---\ngates:", 13, ProblemCode.RecipeNotYaml, "second document")]
    public void Each_mistake_is_told_with_its_line(string from, string to, int line, ProblemCode code, string what)
    {
        var problem = Refused(Good.Replace(from, to, StringComparison.Ordinal)).First(problem => problem.Code == code);
        Assert.StartsWith($"{_folder["recipe.yaml"]}:{line}", problem.Where, StringComparison.Ordinal);
        Assert.Contains(what, problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_are_told_at_once_in_the_order_of_their_lines()
    {
        var text = Good.Replace("recipe: 1", "recipe: 0", StringComparison.Ordinal)
            .Replace("orin-x", "orin", StringComparison.Ordinal)
            .Replace("  two", "  three", StringComparison.Ordinal)
            .Replace("gates", "gaits", StringComparison.Ordinal);
        Assert.Equal(
            [ProblemCode.RecipeValueWrong, ProblemCode.RecipeFileMissing, ProblemCode.RecipeChipUnknown, ProblemCode.RecipeKeyUnknown],
            Refused(text).Select(problem => problem.Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("just a text")]
    [InlineData("- a\n- b")]
    public void What_is_no_mapping_is_no_recipe(string text) => Assert.Equal(ExitCode.InvalidInput, Refused(text)[0].Code.ExitCode());

    [Fact]
    public void Whatever_the_text_is_a_recipe_or_its_mistakes_come_out()
    {
        const string Signs = "[]{}:-,#&*!|>'\"%@` \n\t?x0";
        var random = new Random(5001);
        for (var round = 0; round < 3000; round++)
        {
            var text = Good.ToCharArray();
            for (var change = random.Next(1, 6); change > 0; change--)
                text[random.Next(text.Length)] = Signs[random.Next(Signs.Length)];

            File.WriteAllText(_folder["recipe.yaml"], text);
            var thrown = Record.Exception(() => Recipe.Load(_folder["recipe.yaml"]));
            Assert.True(thrown is null or LoraOpsException, $"{thrown?.GetType()}: {new string(text)}");
        }
    }

    [Fact]
    public void A_bomb_of_nested_lists_is_refused()
    {
        var problem = Refused($"recipe: {new string('[', 5000)}{new string(']', 5000)}")[0];
        Assert.Equal(ProblemCode.RecipeNotYaml, problem.Code);
        Assert.Contains("nested", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_too_many_values_is_refused() =>
        Assert.Contains("values", Refused($"recipe: [{string.Join(',', Enumerable.Repeat("1", 30_000))}]")[0].What, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_too_large_is_not_read() =>
        Assert.Contains("1 MiB", Refused(new string('#', (1 << 20) + 1))[0].What, StringComparison.Ordinal);

    [Fact]
    public void A_recipe_that_is_missing_or_a_folder_is_refused()
    {
        Assert.Equal(ProblemCode.FileMissing, Assert.Throws<LoraOpsException>(() => Recipe.Load(_folder["none"])).Problems[0].Code);
        Assert.Equal(ProblemCode.KindUnknown, Assert.Throws<LoraOpsException>(() => Recipe.Load(_folder.Path)).Problems[0].Code);
    }

    [Fact]
    public void A_chip_may_be_a_file_beside_the_recipe()
    {
        File.Copy(Path.Combine(Fixtures.Repository, "src", "LoraOps.Onnx", "Chips", "Profiles", "orin-x.json"), _folder["mine.json"]);
        Assert.Equal("orin-x", Load(Good.Replace("orin-x", "mine.json", StringComparison.Ordinal)).Chips[0].Value.Name);
    }

    private Recipe Load(string text)
    {
        File.WriteAllText(_folder["recipe.yaml"], text);
        return Recipe.Load(_folder["recipe.yaml"]);
    }

    private IReadOnlyList<Problem> Refused(string text) => Assert.Throws<LoraOpsException>(() => Load(text)).Problems;
}
