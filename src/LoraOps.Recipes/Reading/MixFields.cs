using System.Globalization;
using LoraOps.Mixing;
using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>The method of a mix and its parameters, as a mapping gives them.</summary>
/// <param name="Method">The method.</param>
/// <param name="Settings">Its parameters.</param>
/// <param name="Given">Those that were given, as they were written.</param>
internal sealed record MixFields(MixMethod Method, MixSettings Settings, IReadOnlyList<KeyValuePair<string, string>> Given)
{
    /// <summary>Reads <c>method</c> and every parameter; null if there was a mistake.</summary>
    public static MixFields? Read(RecipeSource source, RecipeFields fields)
    {
        var (settings, given) = (new MixSettings(), new List<KeyValuePair<string, string>>());
        var isRight = true;
        foreach (var parameter in MixParameters.All)
        {
            // What a script writes as null was not given.
            if (fields.Take(parameter.Name) is not { } value || value is YamlText { IsEmpty: true })
                continue;

            var text = source.Text(value, parameter.Name);
            var changed = text is null ? null : parameter.Apply(settings, text.Text);
            if (text is not null)
                given.Add(new(parameter.Name, text.Text));

            if (changed is null)
                source.Add(RecipeProblems.ValueWrong(source.At(value.Line), parameter.Name, $"is none of the allowed values: {parameter.Allowed}"));

            isRight &= changed is not null;
            settings = changed ?? settings;
        }

        return MethodOf(source, fields) is { } method && isRight ? new MixFields(method, settings, given) : null;
    }

    /// <summary>A weight: 1 if it was not given, null and a mistake if it is no number.</summary>
    public static double? Weight(RecipeSource source, YamlText? text, string key)
    {
        if (text is null)
            return 1;

        if (double.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight))
            return weight;

        source.Add(RecipeProblems.ValueWrong(source.At(text.Line), key, $"is '{text.Text}', no finite number"));
        return null;
    }

    private static MixMethod? MethodOf(RecipeSource source, RecipeFields fields)
    {
        if (fields.Text("method", demanded: true) is not { } name)
            return null;

        if (MixMethods.Find(name.Text) is { } method)
            return method;

        var known = MixMethods.All.Select(known => known.Name).ToList();
        source.Add(RecipeProblems.ValueWrong(
            source.At(name.Line), "method", $"is '{name.Text}'{NearMisses.Phrase(name.Text, known)}; known are {string.Join(", ", known)}"));
        return null;
    }
}
