using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>
/// The types of Horizon's quant_config, from the weakest level to the strongest: model, operators, subgraphs, nodes. Types are
/// <c>int8</c>, <c>int16</c>, <c>float16</c> and <c>float32</c>.
/// </summary>
/// <param name="ModelType">What every node is computed in, unless another level says otherwise.</param>
public sealed record HorizonQuantConfig(string ModelType)
{
    private const string Kind = "Horizon quant_config";

    /// <summary>How activations are calibrated: <c>max</c>, <c>kl</c>; null for the tool's own search.</summary>
    public string? CalibrationType { get; init; }

    /// <summary>The share of values that a range holds; null for all.</summary>
    public double? MaxPercentile { get; init; }

    /// <summary>True where zero may have any code.</summary>
    public bool Asymmetric { get; init; }

    /// <summary>Types of operators.</summary>
    public IReadOnlyDictionary<string, string> Ops { get; init; } = new Dictionary<string, string>();

    /// <summary>Types of subgraphs.</summary>
    public IReadOnlyDictionary<string, string> Subgraphs { get; init; } = new Dictionary<string, string>();

    /// <summary>Types of nodes.</summary>
    public IReadOnlyDictionary<string, string> Nodes { get; init; } = new Dictionary<string, string>();

    /// <summary>What a node outside of subgraphs is computed in.</summary>
    public string TypeOf(string node, string op) => Nodes.GetValueOrDefault(node) ?? Ops.GetValueOrDefault(op) ?? ModelType;

    /// <summary>Writes the file; levels that say nothing are left out.</summary>
    public void Write(string path) => HandOffJson.Write(path, json =>
    {
        json.WriteStartObject("model_config");
        json.WriteString("all_node_type", ModelType);
        json.WriteStartObject("activation");
        if (CalibrationType is not null)
            json.WriteString("calibration_type", CalibrationType);

        if (MaxPercentile is { } share)
            json.WriteNumber("max_percentile", share);

        json.WriteBoolean("per_channel", false);
        json.WriteBoolean("asymmetric", Asymmetric);
        json.WriteEndObject();
        json.WriteEndObject();
        Level(json, "op_config", Ops);
        Level(json, "subgraph_config", Subgraphs);
        Level(json, "node_config", Nodes);
    });

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no such configuration.</exception>
    public static HorizonQuantConfig Read(string path) => HandOffJson.Read(path, Kind, root =>
    {
        var model = root.GetProperty("model_config");
        var activation = model.TryGetProperty("activation", out var given) ? given : default;
        return new HorizonQuantConfig(model.TryGetProperty("all_node_type", out var type) ? TextOf(type) : "int8")
        {
            CalibrationType = Find(activation, "calibration_type") is { ValueKind: JsonValueKind.String } how ? how.GetString() : null,
            MaxPercentile = Find(activation, "max_percentile")?.GetDouble(),
            Asymmetric = Find(activation, "asymmetric") is { ValueKind: JsonValueKind.True },
            Ops = Level(root, "op_config"),
            Subgraphs = Level(root, "subgraph_config"),
            Nodes = Level(root, "node_config"),
        };
    });

    private static void Level(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> types)
    {
        if (types.Count == 0)
            return;

        json.WriteStartObject(name);
        foreach (var (key, type) in types)
        {
            json.WriteStartObject(key);
            json.WriteString("qtype", type);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static Dictionary<string, string> Level(JsonElement root, string name)
    {
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        if (root.TryGetProperty(name, out var level))
        {
            foreach (var property in level.EnumerateObject().Where(property => property.Value.TryGetProperty("qtype", out _)))
                types[property.Name] = TextOf(property.Value.GetProperty("qtype"));
        }

        return types;
    }

    private static JsonElement? Find(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string TextOf(JsonElement element) => element.GetString() ?? throw new FormatException("a type is null");
}
