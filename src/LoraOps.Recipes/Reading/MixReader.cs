using LoraOps.Merging;
using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>
/// Reads <c>mixes</c>: adapters that are made of others. Data that a mix does not name is that of its adapters, one after
/// another; PyTorch has no record of it unless <c>expected</c> names one.
/// </summary>
internal sealed class MixReader(RecipeSource source, RecipeFields root, IReadOnlyList<RecipeAdapter> adapters)
{
    /// <summary>All mixes; mistakes go to the source.</summary>
    public List<RecipeAdapter> Read()
    {
        var fields = root.Map("mixes");
        var mixes = new List<RecipeAdapter>();
        foreach (var entry in fields.Entries)
        {
            var taken = adapters.Concat(mixes).FirstOrDefault(known => string.Equals(known.Name, entry.Key, StringComparison.OrdinalIgnoreCase));
            if (!AdapterReader.IsName(entry.Key))
                source.Add(RecipeProblems.ValueWrong(source.At(entry.Line), "mixes", $"names a mix '{entry.Key}'; {AdapterReader.NameRule}"));
            else if (taken is not null)
                source.Add(RecipeProblems.KeyTwice(source.At(entry.Line), $"mixes.{entry.Key}", taken.Line));
            else if (Mix(entry) is { } mix)
                mixes.Add(mix);
        }

        return mixes;
    }

    private RecipeAdapter? Mix(YamlEntry entry)
    {
        var name = $"mixes.{entry.Key}";
        var fields = new RecipeFields(source, name, entry.Value);
        var of = Of(fields, name);
        var (keep, method) = (fields.Text("keep"), MixFields.Read(source, fields));
        var expected = source.Existing(fields.Text("expected"), $"{name}.expected");
        var (calibration, evaluation) = (Data(fields, name, "calibration", of), Data(fields, name, "evaluation", of));
        fields.RefuseOthers();
        if (of.Count == 0 || method is null || calibration is null || evaluation is null)
            return null;

        return new RecipeAdapter
        {
            Name = entry.Key,
            Line = entry.Line,
            Mix = new RecipeMix
            {
                Of = [.. of.Select(one => one.Source)],
                Method = method.Method,
                Settings = method.Settings,
                Given = method.Given,
                Keep = keep?.Text,
            },
            Calibration = calibration,
            Evaluation = evaluation,
            Expected = expected,
        };
    }

    private List<(AdapterSource Source, RecipeAdapter? Known)> Of(RecipeFields fields, string name)
    {
        var of = new List<(AdapterSource, RecipeAdapter?)>();
        var map = fields.Map("of", demanded: true);
        foreach (var entry in map.Entries)
        {
            var known = adapters.FirstOrDefault(adapter => adapter.Name == entry.Key);
            var folder = known?.Path ?? source.Existing(entry.Key, entry.Line, $"{name}.of");
            var weight = source.Text(entry.Value, $"{name}.of.{entry.Key}") is { } text ? MixFields.Weight(source, text, $"{name}.of.{entry.Key}") : null;
            if (folder is { } found && weight is { } factor)
                of.Add((new AdapterSource(found.Value, factor, known?.Name), known));
        }

        return of;
    }

    private RecipeData? Data(RecipeFields fields, string name, string key, List<(AdapterSource Source, RecipeAdapter? Known)> of)
    {
        if (fields.Text(key) is { } own)
            return source.Existing(own, $"{name}.{key}") is { } path ? new RecipeData([path.Value], path.Line) : null;

        var known = of.Select(one => one.Known).OfType<RecipeAdapter>().Select(adapter => key == "calibration" ? adapter.Calibration : adapter.Evaluation);
        var paths = known.SelectMany(data => data.Paths).Distinct().ToList();
        if (paths.Count == 0)
            source.Add(RecipeProblems.KeyMissing(source.At(fields.Line), $"{name}.{key}"));

        return paths.Count == 0 ? null : new RecipeData(paths, fields.Line);
    }
}
