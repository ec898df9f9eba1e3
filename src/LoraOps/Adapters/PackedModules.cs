using System.Text.Json;

namespace LoraOps.Adapters;

/// <summary>One of the modules that lie row by row in a packed one.</summary>
/// <param name="Packed">The packed module.</param>
/// <param name="Index">Which part of it, from 0.</param>
/// <param name="Count">How many parts it has.</param>
public readonly record struct PackedPart(ModuleName Packed, int Index, int Count)
{
    /// <summary>
    /// The first row of the part, or null if the sizes do not fit. Keys and values are of one size, queries may have more rows
    /// (grouped attention); two parts are of one size.
    /// </summary>
    /// <param name="rows">The rows of the part.</param>
    /// <param name="total">The rows of the packed module.</param>
    public long? FirstRow(long rows, long total)
    {
        if (Count == 2)
            return rows * 2 == total ? Index * rows : null;

        if (Index == 0)
            return rows < total && (total - rows) % 2 == 0 && (total - rows) / 2 <= rows ? 0 : null;

        var queries = total - (2 * rows);
        return queries >= rows ? queries + ((Index - 1) * rows) : null;
    }
}

/// <summary>
/// Modules that some models keep apart and others pack into one, one behind the other along the outputs: q, k and v, or gate
/// and up. Layouts that interleave heads are not among them. The names are data (<c>packed-modules.json</c>).
/// </summary>
public static class PackedModules
{
    private static readonly IReadOnlyList<(string[] Packed, string[][] Parts)> Families = Load();

    /// <summary>The packed modules that may contain a module.</summary>
    public static IEnumerable<PackedPart> Around(ModuleName module)
    {
        var (parent, own) = Split(module);
        return from family in Families
               from part in Enumerable.Range(0, family.Parts.Length)
               where family.Parts[part].Contains(own)
               from packed in family.Packed
               select new PackedPart(Join(parent, packed), part, family.Parts.Length);
    }

    /// <summary>The modules that a packed one may consist of: for each way to name them, the parts in the order of their rows.</summary>
    public static IEnumerable<IReadOnlyList<ModuleName>> Inside(ModuleName packed)
    {
        var (parent, own) = Split(packed);
        return from family in Families
               where family.Packed.Contains(own)
               from naming in Enumerable.Range(0, family.Parts[0].Length)
               where family.Parts.All(part => naming < part.Length)
               select (IReadOnlyList<ModuleName>)[.. family.Parts.Select(part => Join(parent, part[naming]))];
    }

    private static (string Parent, string Own) Split(ModuleName module)
    {
        var dot = module.Value.LastIndexOf('.');
        return dot < 0 ? ("", module.Value) : (module.Value[..dot], module.Value[(dot + 1)..]);
    }

    private static ModuleName Join(string parent, string own) => new(parent.Length == 0 ? own : $"{parent}.{own}");

    private static List<(string[] Packed, string[][] Parts)> Load()
    {
        using var stream = typeof(PackedModules).Assembly.GetManifestResourceStream("packed-modules.json")
            ?? throw new InvalidOperationException("The table of packed modules is not in the assembly.");
        using var table = JsonDocument.Parse(stream);
        return [.. table.RootElement.EnumerateArray().Select(family => (
            Names(family.GetProperty("packed")), family.GetProperty("parts").EnumerateArray().Select(Names).ToArray()))];
    }

    private static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(name => name.GetString()!)];
}
