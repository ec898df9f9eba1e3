using LoraOps.Merging;
using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>Turns JSON, which is YAML, or YAML into a <see cref="MixRecipe"/>, or into all of its mistakes.</summary>
internal sealed class MixRecipeReader(string path)
{
    private readonly RecipeSource _source = new(path);

    /// <summary>Reads a file.</summary>
    /// <exception cref="LoraOpsException">All mistakes at once.</exception>
    public static MixRecipe Read(string path) => new MixRecipeReader(path).Recipe();

    private MixRecipe Recipe()
    {
        var fields = new RecipeFields(_source, "", YamlReader.Read(path));
        var adapters = Adapters(fields);
        var (origin, keep) = (_source.Existing(fields.Text("base"), "base"), fields.Text("keep"));
        var mix = MixFields.Read(_source, fields);
        fields.RefuseOthers();
        if (_source.Problems.Count > 0 || mix is null)
            throw new LoraOpsException([.. _source.Problems]);

        return new MixRecipe
        {
            Adapters = adapters,
            Method = mix.Method,
            Settings = mix.Settings,
            Given = [.. mix.Given.Select(pair => pair.Key)],
            Base = origin?.Value,
            Keep = keep?.Text,
        };
    }

    private List<AdapterSource> Adapters(RecipeFields fields)
    {
        var adapters = new List<AdapterSource>();
        if (fields.Demand("adapters") is not { } value)
            return adapters;

        if (value is not YamlList { Items.Count: > 0 } list)
        {
            _source.Add(RecipeProblems.ValueWrong(_source.At(value.Line), "adapters", "is no list of adapters with path and weight"));
            return adapters;
        }

        foreach (var item in list.Items)
        {
            var entry = new RecipeFields(_source, "adapters", item);
            var (folder, weight, name) = (_source.Existing(entry.Text("path", demanded: true), "adapters.path"), entry.Text("weight"), entry.Text("name"));
            entry.RefuseOthers();
            if (folder is { } found && MixFields.Weight(_source, weight, "adapters.weight") is { } factor)
                adapters.Add(new AdapterSource(found.Value, factor, name?.Text));
        }

        return adapters;
    }
}
