using System.Text.Json;

namespace LoraOps.Onnx.HandOff;

/// <summary>Schema 1.0.0: a list with one object per tensor, whose scales and offsets are lists.</summary>
internal static class ListedEncodings
{
    public static void Write(Utf8JsonWriter json, string key, IReadOnlyList<TensorEncoding> encodings)
    {
        json.WriteStartArray(key);
        foreach (var encoding in encodings)
        {
            json.WriteStartObject();
            json.WriteString("name", encoding.Tensor);
            json.WriteNumber("bw", encoding.Bits);
            json.WriteString("dtype", encoding.IsFloat ? "FLOAT" : "INT");
            json.WriteString("enc_type", encoding.Scales.Count > 1 ? "PER_CHANNEL" : "PER_TENSOR");
            if (!encoding.IsFloat)
            {
                json.WriteBoolean("is_sym", encoding.IsSymmetric);
                json.WriteStartArray("offset");
                foreach (var offset in encoding.Offsets)
                    json.WriteNumberValue(offset);

                json.WriteEndArray();
                json.WriteStartArray("scale");
                foreach (var scale in encoding.Scales)
                    json.WriteNumberValue(scale);

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static List<TensorEncoding> Read(JsonElement part) => [.. part.EnumerateArray().Select(item =>
    {
        var name = item.GetProperty("name").GetString() ?? throw new FormatException("an encoding has no name");
        var bits = item.GetProperty("bw").GetInt32();
        var isFloat = item.GetProperty("dtype").GetString() == "FLOAT";
        if (bits is < 1 or > 32)
            throw new FormatException($"'{name}' has {bits} bits");

        var encoding = new TensorEncoding(name, bits, isFloat)
        {
            IsSymmetric = !isFloat && item.GetProperty("is_sym").GetBoolean(),
            Scales = isFloat ? [] : [.. item.GetProperty("scale").EnumerateArray().Select(value => value.GetDouble())],
            Offsets = isFloat ? [] : [.. item.GetProperty("offset").EnumerateArray().Select(value => (long)value.GetDouble())],
        };
        return encoding.Scales.Count == encoding.Offsets.Count && (isFloat || encoding.Scales.Count > 0)
            ? encoding
            : throw new FormatException($"'{name}' has {encoding.Scales.Count} scales and {encoding.Offsets.Count} offsets");
    })];
}
