using System.Text.Json;
using System.Text.Json.Nodes;
using LoraOps.Readers.Quantised;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Quantised;

/// <summary>One folder of the goldens of quantised bases: an adapter, a base in a quantiser's own layout, and the truth.</summary>
internal sealed class QuantisedCase(string folder)
{
    public string Folder { get; } = folder;

    public string TruthPath => Path.Combine(Folder, "truth.safetensors");

    public bool IsAccepted => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "case.json"))).RootElement
        .GetProperty("expect").GetString() == "accept";

    public static QuantisedCase Of(string name) => new(new[] { Fixtures.Path("quantised-base", name), SharedPath(name) }.Last(Directory.Exists));

    /// <summary>The cases of the repository, and all others where this checkout has them.</summary>
    public static IEnumerable<string> All() => new[] { Fixtures.Path("quantised-base"), SharedPath("") }
        .Where(Directory.Exists)
        .SelectMany(Directory.GetDirectories)
        .Select(folder => Path.GetFileName(folder))
        .Distinct()
        .Order(StringComparer.Ordinal);

    /// <summary>A copy whose files may be changed.</summary>
    public static string Copy(string name, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in new[] { "config.json", "model.safetensors" })
            File.Copy(Fixtures.Path("quantised-base", name, file), Path.Combine(target, file));

        return target;
    }

    /// <summary>The weights of an open checkpoint, with what its config says.</summary>
    public static LogicalCheckpoint Seen(Checkpoint files)
    {
        var root = files.ConfigPath is { } path ? (JsonObject)JsonNode.Parse(File.ReadAllText(path))! : [];
        return new LogicalCheckpoint(files, QuantisationConfig.Of(root, root));
    }

    private static string SharedPath(string name) => Path.Combine(Fixtures.Shared ?? "", "goldens", "mix", "quantised-base", name);
}
