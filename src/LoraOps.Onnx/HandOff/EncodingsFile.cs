using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>
/// Encodings as AIMET exports and Qualcomm's converter reads them. Schema 0.6.1 maps names to lists with an object per channel,
/// schema 1.0.0 is a list of objects that hold lists (AIMET, quantization encoding specification).
/// </summary>
/// <param name="Version">The schema's.</param>
/// <param name="Activations">Of values that are computed or fed.</param>
/// <param name="Parameters">Of weights and biases.</param>
public sealed record EncodingsFile(string Version, IReadOnlyList<TensorEncoding> Activations, IReadOnlyList<TensorEncoding> Parameters)
{
    /// <summary>The last schema with an object per channel.</summary>
    public const string Mapped = "0.6.1";

    /// <summary>The schema with a list per tensor.</summary>
    public const string Listed = "1.0.0";

    private const string Kind = "encodings file";
    private const string ActivationsKey = "activation_encodings";
    private const string ParametersKey = "param_encodings";

    /// <summary>Layers that no encoding holds for.</summary>
    public IReadOnlyList<string> Excluded { get; init; } = [];

    /// <summary>The encoding of a tensor, or null.</summary>
    public TensorEncoding? Find(string tensor) => Activations.Concat(Parameters).FirstOrDefault(encoding => encoding.Tensor == tensor);

    /// <summary>Writes the file in its schema.</summary>
    public void Write(string path) => HandOffJson.Write(path, json =>
    {
        json.WriteString("version", Version);
        var written = Version == Listed ? ListedEncodings.Write : (Action<Utf8JsonWriter, string, IReadOnlyList<TensorEncoding>>)MappedEncodings.Write;
        written(json, ActivationsKey, Activations);
        written(json, ParametersKey, Parameters);
        json.WriteStartArray("excluded_layers");
        foreach (var layer in Excluded)
            json.WriteStringValue(layer);

        json.WriteEndArray();
        json.WriteStartObject("quantizer_args");
        json.WriteNumber("activation_bitwidth", Activations.Where(encoding => !encoding.IsFloat).Select(encoding => encoding.Bits).DefaultIfEmpty(8).Min());
        json.WriteString("dtype", "int");
        json.WriteBoolean("is_symmetric", true);
        json.WriteNumber("param_bitwidth", 8);
        json.WriteBoolean("per_channel_quantization", Parameters.Any(encoding => encoding.Scales.Count > 1));
        json.WriteString("quant_scheme", "post_training_tf");
        json.WriteEndObject();
    });

    /// <summary>Reads a file of either schema.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no encodings file.</exception>
    public static EncodingsFile Read(string path) => HandOffJson.Read(path, Kind, root =>
    {
        var version = root.TryGetProperty("version", out var given) ? given.GetString() ?? "" : "0.4.0";
        var file = new EncodingsFile(version, Part(root.GetProperty(ActivationsKey)), Part(root.GetProperty(ParametersKey)))
        {
            Excluded = root.TryGetProperty("excluded_layers", out var excluded)
                ? [.. excluded.EnumerateArray().Select(layer => layer.GetString() ?? "")]
                : [],
        };
        var names = file.Activations.Concat(file.Parameters).Select(encoding => encoding.Tensor).ToList();
        return names.Distinct(StringComparer.Ordinal).Count() == names.Count ? file : throw new FormatException("it names a tensor twice");
    });

    private static List<TensorEncoding> Part(JsonElement part) =>
        part.ValueKind == JsonValueKind.Array ? ListedEncodings.Read(part) : MappedEncodings.Read(part);
}
