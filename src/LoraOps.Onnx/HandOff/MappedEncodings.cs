using System.Text.Json;

namespace LoraOps.Onnx.HandOff;

/// <summary>Schema 0.6.1: a tensor's name leads to a list with one object, or one per channel.</summary>
internal static class MappedEncodings
{
    public static void Write(Utf8JsonWriter json, string key, IReadOnlyList<TensorEncoding> encodings)
    {
        json.WriteStartObject(key);
        foreach (var encoding in encodings)
        {
            json.WriteStartArray(encoding.Tensor);
            for (var i = 0; i < Math.Max(1, encoding.Scales.Count); i++)
                Write(json, encoding, i);

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    public static List<TensorEncoding> Read(JsonElement part) => [.. part.EnumerateObject().Select(property =>
    {
        var channels = property.Value.EnumerateArray().ToList();
        if (channels.Count == 0)
            throw new FormatException($"'{property.Name}' has no encoding");

        var bits = channels[0].GetProperty("bitwidth").GetInt32();
        if (channels.Exists(channel => channel.GetProperty("bitwidth").GetInt32() != bits) || bits is < 1 or > 32)
            throw new FormatException($"'{property.Name}' has bit widths that differ or are not 1 to 32");

        var isFloat = channels[0].TryGetProperty("dtype", out var type) && type.GetString() == "float";
        return new TensorEncoding(property.Name, bits, isFloat)
        {
            IsSymmetric = !isFloat && IsTrue(channels[0].GetProperty("is_symmetric")),
            Scales = isFloat ? [] : [.. channels.Select(channel => channel.GetProperty("scale").GetDouble())],
            Offsets = isFloat ? [] : [.. channels.Select(channel => (long)channel.GetProperty("offset").GetDouble())],
            Minima = isFloat ? [] : [.. channels.Select(channel => channel.GetProperty("min").GetDouble())],
            Maxima = isFloat ? [] : [.. channels.Select(channel => channel.GetProperty("max").GetDouble())],
        };
    })];

    private static void Write(Utf8JsonWriter json, TensorEncoding encoding, int channel)
    {
        json.WriteStartObject();
        json.WriteNumber("bitwidth", encoding.Bits);
        json.WriteString("dtype", encoding.IsFloat ? "float" : "int");
        if (!encoding.IsFloat)
        {
            // Texts, not truths: so does the specification.
            json.WriteString("is_symmetric", encoding.IsSymmetric ? "True" : "False");
            json.WriteNumber("max", encoding.Maxima[channel]);
            json.WriteNumber("min", encoding.Minima[channel]);
            json.WriteNumber("offset", encoding.Offsets[channel]);
            json.WriteNumber("scale", encoding.Scales[channel]);
        }

        json.WriteEndObject();
    }

    private static bool IsTrue(JsonElement value) =>
        value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && value.GetString() == "True");
}
