using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Recipes.Tests;

public sealed class UntilTests : IDisposable
{
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Fact]
    public void Layers_are_lifted_until_the_recipes_gates_pass_and_that_is_another_result()
    {
        Kitchen.Run(_kitchen.Write());
        var before = Sqnr();

        var recipe = _kitchen.Write(more: FormattableString.Invariant($"quantize: {{until: ['sqnr>={before + 2:0.##}']}}"));
        Kitchen.Run(recipe);

        Assert.Equal("sqnr", Assert.Single(recipe.Until).Metric);
        Assert.True(Sqnr() >= before + 1.99, $"{Sqnr()} after {before}");
    }

    [Fact]
    public void A_wrong_gate_is_told_with_its_key()
    {
        var problems = Assert.Throws<LoraOpsException>(() => _kitchen.Write(more: "quantize: {until: ['sqnrr>=30']}")).Problems;

        Assert.Contains("quantize.until", Assert.Single(problems).What, StringComparison.Ordinal);
    }

    private double Sqnr()
    {
        var manifest = _kitchen.Published().First(file => file.Key.EndsWith("manifest.json", StringComparison.Ordinal)).Value;
        using var json = System.Text.Json.JsonDocument.Parse(manifest);
        return json.RootElement.GetProperty("parity").EnumerateArray()
            .Where(check => check.GetProperty("step").GetString() == "quantize")
            .SelectMany(check => check.GetProperty("metrics").EnumerateArray())
            .First(metric => metric.GetProperty("name").GetString() == "sqnr").GetProperty("value").GetDouble();
    }
}
