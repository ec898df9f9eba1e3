using System.Text;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Recipes.Tests;

public sealed class CalibrationKeysTests : IDisposable
{
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Fact]
    public void Ranges_are_found_as_the_recipe_says_and_another_way_is_another_result()
    {
        Kitchen.Run(_kitchen.Write());
        var before = _kitchen.Published();

        var recipe = _kitchen.Write(more: "quantize: {calibrator: percentile, percentile: 99.5, bins: 4096}");
        Kitchen.Run(recipe);
        var after = _kitchen.Published();

        Assert.Equal(
            new CalibrationSettings { Calibrator = Calibrators.Percentile, Percentile = 99.5, Bins = 4096 }, recipe.Calibrating);
        var manifest = after.Single(file => file.Key.EndsWith("manifest.json", StringComparison.Ordinal));
        Assert.Contains("\"calibrator\": \"percentile\"", Encoding.UTF8.GetString(manifest.Value), StringComparison.Ordinal);
        var model = after.Single(file => file.Key.EndsWith("model.onnx", StringComparison.Ordinal));
        Assert.NotEqual(before[model.Key], model.Value);
    }

    [Fact]
    public void A_moving_average_goes_with_minmax()
    {
        Assert.Equal(0.01, _kitchen.Write(more: "quantize: {moving-average: 0.01}").Calibrating.MovingAverage);
    }
}
