using System.Text.Json;

namespace LoraOps.Adapters;

/// <summary>
/// The other names of a layer: transformers 5 runs and adapts some models under new module names but saves their weights
/// under the old ones. The pairs are data (<c>module-aliases.json</c>, by model family); <c>#</c> is a layer number, a final
/// <c>*</c> the rest of the name: whole parts of vision-language models moved from one root to another.
/// </summary>
public static class ModuleAliases
{
    private const string Number = "#";
    private const string Rest = "*";

    private static readonly ILookup<bool, (string[] From, string[] To)> Rewrites = Load().ToLookup(pair => pair.From[^1] == Rest);

    /// <summary>The name itself, then the names that the same layer has under other versions of its library.</summary>
    /// <param name="module">A layer's name as one side knows it.</param>
    public static IEnumerable<ModuleName> Candidates(ModuleName module)
    {
        yield return module;
        var segments = module.Segments;
        foreach (var (from, to) in Rewrites[false])
        {
            if (Rewrite(segments, from, to) is { } name)
                yield return new ModuleName(name);
        }
    }

    /// <summary>The candidates, then the names that they have where a part of the model was moved to another root.</summary>
    /// <param name="module">A layer's name as an adapter knows it.</param>
    public static IEnumerable<ModuleName> Moved(ModuleName module)
    {
        var names = Candidates(module).ToList();
        return names.Concat(names.SelectMany(name => Rewrites[true]
            .Where(pair => StartsWith(name.Segments, pair.From[..^1]))
            .Select(pair => new ModuleName(string.Join('.', pair.To[..^1].Concat(name.Segments.Skip(pair.From.Length - 1)))))));
    }

    private static bool StartsWith(string[] segments, string[] start) =>
        segments.Length >= start.Length && segments.AsSpan(0, start.Length).SequenceEqual(start);

    private static string? Rewrite(string[] segments, string[] from, string[] to)
    {
        var start = segments.Length - from.Length;
        if (start < 0)
            return null;

        var number = "";
        for (var index = 0; index < from.Length; index++)
        {
            var segment = segments[start + index];
            if (from[index] == Number && segment.Length > 0 && segment.All(char.IsAsciiDigit))
                number = segment;
            else if (from[index] != segment)
                return null;
        }

        return string.Join('.', segments[..start].Concat(to.Select(part => part == Number ? number : part)));
    }

    private static IEnumerable<(string[] From, string[] To)> Load()
    {
        using var stream = typeof(ModuleAliases).Assembly.GetManifestResourceStream("module-aliases.json")
            ?? throw new InvalidOperationException("The table of module aliases is not in the assembly.");
        using var table = JsonDocument.Parse(stream);
        foreach (var family in table.RootElement.EnumerateObject())
        {
            foreach (var pair in family.Value.EnumerateArray())
            {
                var (current, old) = (pair[0].GetString()!.Split('.'), pair[1].GetString()!.Split('.'));
                yield return (current, old);
                yield return (old, current);
            }
        }
    }
}
