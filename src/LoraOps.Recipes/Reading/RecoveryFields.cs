using System.Globalization;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;
using LoraOps.Problems;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Recipes.Reading;

/// <summary>Reads what quantization does to keep the accuracy: the keys of <c>quantize</c> are the options of the command.</summary>
internal sealed class RecoveryFields(RecipeSource source, RecipeFields fields)
{
    private const string Auto = "auto";

    /// <summary>The settings; nothing where nothing is written.</summary>
    public RecoverySettings Read()
    {
        var smooth = fields.Text("smooth");
        var insert = IsOn("smooth-insert");
        return new RecoverySettings
        {
            Smooth = smooth is null ? null : new SmoothSettings(Share(smooth), insert),
            Equalize = IsOn("equalize"),
            CorrectBias = IsOn("correct-bias"),
            Rounding = Rounding(fields.Text("rounding")),
        };
    }

    private double? Share(YamlText text)
    {
        if (text.Text == Auto)
            return null;

        if (double.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1)
            return share;

        Refuse(text, "smooth", $"neither a number from 0 to 1 nor {Auto}");
        return null;
    }

    private bool IsOn(string key)
    {
        var text = fields.Text(key);
        if (text is not null && text.Text is not ("true" or "false"))
            Refuse(text, key, "neither true nor false");

        return text?.Text == "true";
    }

    private RoundingMethod Rounding(YamlText? text)
    {
        if (text is null)
            return RoundingMethod.Nearest;

        if (RoundingMethods.Find(text.Text) is { } method)
            return method;

        Refuse(text, "rounding", $"none of {string.Join(", ", RoundingMethods.Names)}{NearMisses.Phrase(text.Text, RoundingMethods.Names)}");
        return RoundingMethod.Nearest;
    }

    private void Refuse(YamlText text, string key, string why) =>
        source.Add(RecipeProblems.ValueWrong(source.At(text.Line), $"quantize.{key}", $"is '{text.Text}', {why}"));
}
