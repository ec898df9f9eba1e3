using System.Text.Json;

namespace LoraOps.Adapters;

/// <summary>
/// The other names of a layer: transformers 5 runs and adapts some models under new module names but saves their weights
/// under the old ones. The pairs are data (<c>module-aliases.json</c>, by model family); <c>#</c> is a layer number.
/// </summary>
public static class ModuleAliases
{
    private const string Number = "#";

    private static readonly IReadOnlyList<(string[] From, string[] To)> Rewrites = [.. Load()];

    /// <summary>The name itself, then the names that the same layer has under other versions of its library.</summary>
    /// <param name="module">A layer's name as one side knows it.</param>
    public static IEnumerable<ModuleName> Candidates(ModuleName module)
    {
        yield return module;
        var segments = module.Segments;
        foreach (var (from, to) in Rewrites)
        {
            if (Rewrite(segments, from, to) is { } name)
                yield return new ModuleName(name);
        }
    }

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
