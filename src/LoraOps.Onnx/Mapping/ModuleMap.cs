using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.Mapping;

/// <summary>The user's mapping file: a JSON object of module name → initializer or node name.</summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Entries">Targets by module name.</param>
public sealed record ModuleMap(string Path, IReadOnlyDictionary<string, string> Entries)
{
    private const long MaxBytes = 16_000_000;

    /// <summary>No entries.</summary>
    public static ModuleMap Empty { get; } = new("", new Dictionary<string, string>(StringComparer.Ordinal));

    /// <summary>Reads a mapping file.</summary>
    /// <exception cref="LoraOpsException">It is missing, too large, or no JSON object of strings.</exception>
    public static ModuleMap Load(string path)
    {
        if (!File.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        if (new FileInfo(path).Length > MaxBytes)
            throw new LoraOpsException(MappingProblems.MapInvalid(path, "it is larger than 16 MB"));

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 2 });
            var entries = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in json.RootElement.EnumerateObject())
            {
                if (!entries.TryAdd(entry.Name, entry.Value.GetString() ?? ""))
                    throw new LoraOpsException(MappingProblems.MapInvalid(path, $"it names module '{entry.Name}' twice"));
            }

            return new ModuleMap(path, entries);
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(MappingProblems.MapInvalid(path, "it is no JSON object of strings"));
        }
    }
}
