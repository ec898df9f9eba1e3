using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.Mapping;

/// <summary>One place that the user names.</summary>
/// <param name="At">An initializer or node.</param>
/// <param name="Rows">The rows of its weight that are the module's, in PyTorch's layout; null if all.</param>
/// <param name="Part">The rows of the module's weight that it has; null if all.</param>
public sealed record MapTarget(string At, RowRange? Rows, RowRange? Part);

/// <summary>
/// The user's mapping file: a JSON object by module name. A value is an initializer or node name, or an object
/// <c>{"at": NAME, "rows": [FIRST, COUNT], "part": [FIRST, COUNT]}</c> for packed and split weights, or a list of either.
/// </summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Entries">Targets by module name.</param>
public sealed record ModuleMap(string Path, IReadOnlyDictionary<string, IReadOnlyList<MapTarget>> Entries)
{
    private const long MaxBytes = 16_000_000;
    private const int Depth = 4;

    /// <summary>No entries.</summary>
    public static ModuleMap Empty { get; } = new("", new Dictionary<string, IReadOnlyList<MapTarget>>(StringComparer.Ordinal));

    /// <summary>Reads a mapping file.</summary>
    /// <exception cref="LoraOpsException">It is missing, too large, or no JSON object of such values.</exception>
    public static ModuleMap Load(string path)
    {
        if (!File.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        if (new FileInfo(path).Length > MaxBytes)
            throw new LoraOpsException(MappingProblems.MapInvalid(path, "it is larger than 16 MB"));

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = Depth });
            var entries = new Dictionary<string, IReadOnlyList<MapTarget>>(StringComparer.Ordinal);
            foreach (var entry in json.RootElement.EnumerateObject())
            {
                IReadOnlyList<MapTarget> targets = entry.Value.ValueKind == JsonValueKind.Array
                    ? [.. entry.Value.EnumerateArray().Select(Target)]
                    : [Target(entry.Value)];
                if (targets.Count == 0)
                    throw new FormatException();

                if (!entries.TryAdd(entry.Name, targets))
                    throw new LoraOpsException(MappingProblems.MapInvalid(path, $"it names module '{entry.Name}' twice"));
            }

            return new ModuleMap(path, entries);
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException or FormatException)
        {
            throw new LoraOpsException(MappingProblems.MapInvalid(path, "it is no JSON object of names and places"));
        }
    }

    private static MapTarget Target(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return new MapTarget(value.GetString()!, null, null);

        if (value.EnumerateObject().Any(field => field.Name is not ("at" or "rows" or "part")) || !value.TryGetProperty("at", out var name))
            throw new FormatException();

        return new MapTarget(name.GetString() ?? throw new FormatException(), Range(value, "rows"), Range(value, "part"));
    }

    private static RowRange? Range(JsonElement value, string field)
    {
        if (!value.TryGetProperty(field, out var pair))
            return null;

        return pair.GetArrayLength() == 2 && pair[0].GetInt32() is >= 0 and var first && pair[1].GetInt32() is > 0 and var count
            ? new RowRange(first, count)
            : throw new FormatException();
    }
}
