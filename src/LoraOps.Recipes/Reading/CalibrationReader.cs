using System.Globalization;
using LoraOps.Problems;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Recipes.Reading;

/// <summary>Reads how ranges are found: the keys of <c>quantize</c>, which are called like the options of the command.</summary>
internal sealed class CalibrationReader(RecipeSource source, RecipeFields fields)
{
    /// <summary>The settings; defaults where a key is missing or wrong.</summary>
    public CalibrationSettings Read()
    {
        var settings = new CalibrationSettings { Calibrator = Calibrator() };
        var isPercentile = settings.Calibrator == Calibrators.Percentile;
        return settings with
        {
            Percentile = Number("percentile", isPercentile, "calibrator: percentile", "a number above 50 to 100", value => value is > 50 and <= 100)
                ?? settings.Percentile,
            Bins = (int)(Number(
                "bins", settings.Calibrator.NeedsCounts, "calibrator: percentile, entropy or mse",
                $"a whole number from {CalibrationSettings.FewestBins} to {CalibrationSettings.MostBins}",
                value => value is >= CalibrationSettings.FewestBins and <= CalibrationSettings.MostBins && value == Math.Floor(value)) ?? settings.Bins),
            MovingAverage = Number(
                "moving-average", !settings.Calibrator.NeedsCounts, "calibrator: minmax", "a number above 0 to 1", value => value is > 0 and <= 1),
        };
    }

    private Calibrator Calibrator()
    {
        if (fields.Text("calibrator") is not { } text)
            return Calibrators.MinMax;

        if (Calibrators.Find(text.Text) is { } found)
            return found;

        var names = Calibrators.All.Select(calibrator => calibrator.Name).ToList();
        Wrong(text, "calibrator", $"is '{text.Text}', none of {string.Join(", ", names)}{NearMisses.Phrase(text.Text, names)}");
        return Calibrators.MinMax;
    }

    private double? Number(string key, bool goes, string with, string allowed, Func<double, bool> isAllowed)
    {
        if (fields.Text(key) is not { } text)
            return null;

        if (!goes)
            Wrong(text, key, $"goes with {with}");
        else if (double.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && isAllowed(value))
            return value;
        else
            Wrong(text, key, $"is '{text.Text}', not {allowed}");

        return null;
    }

    private void Wrong(YamlText text, string key, string what) =>
        source.Add(RecipeProblems.ValueWrong(source.At(text.Line), $"quantize.{key}", what));
}
