using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using LoraOps.Tensors;

namespace LoraOps.Writers.Safetensors;

/// <summary>The first bytes of a safetensors file, as the reference writer lays them out (serde_json, padded to 8).</summary>
internal static class SafetensorsHeader
{
    private const string MetadataName = "__metadata__";
    private const int MaxBytes = 100_000_000;
    private const int LengthBytes = 8;

    /// <summary>The length, the JSON and its padding for tensors whose bytes follow one another in this order.</summary>
    /// <exception cref="ArgumentException">Two tensors have one name, a name is reserved, a tensor ends inside a byte, or the header is too long.</exception>
    public static byte[] Encode(IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        var json = new StringBuilder("{");
        if (metadata is { Count: > 0 })
            AppendMetadata(json, metadata);

        var names = new HashSet<string>(StringComparer.Ordinal) { MetadataName };
        var begin = 0L;
        foreach (var entry in entries)
        {
            if (!names.Add(entry.Name))
                throw new ArgumentException($"The name '{entry.Name}' is taken.", nameof(entries));

            if (!entry.FillsBytes)
                throw new ArgumentException($"Tensor '{entry.Name}' {entry.Shape} ends inside a byte.", nameof(entries));

            begin = AppendEntry(json, entry, begin);
        }

        return Frame(json.Append('}').ToString());
    }

    /// <summary>The same header with spaces at its end, so that its length is this.</summary>
    public static byte[] Widened(byte[] header, int length)
    {
        var widened = new byte[length];
        widened.AsSpan().Fill((byte)' ');
        header.CopyTo(widened, 0);
        BinaryPrimitives.WriteInt64LittleEndian(widened, length - LengthBytes);
        return widened;
    }

    private static byte[] Frame(string json)
    {
        var length = (Encoding.UTF8.GetByteCount(json) + 7) / 8 * 8;
        if (length > MaxBytes)
            throw new ArgumentException($"The header has {length} bytes; the format allows {MaxBytes}.", nameof(json));

        var bytes = new byte[LengthBytes + length];
        bytes.AsSpan(LengthBytes).Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        Encoding.UTF8.GetBytes(json, bytes.AsSpan(LengthBytes));
        return bytes;
    }

    // The reference writer keeps the order of a hash map; sorted keys make the same file each time.
    private static void AppendMetadata(StringBuilder json, IReadOnlyDictionary<string, string> metadata)
    {
        AppendText(json, MetadataName).Append(":{");
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            AppendText(Separated(json), key).Append(':');
            AppendText(json, value);
        }

        json.Append('}');
    }

    private static long AppendEntry(StringBuilder json, SafetensorsEntry entry, long begin)
    {
        var end = checked(begin + entry.ByteLength);
        AppendText(Separated(json), entry.Name).Append(":{\"dtype\":\"").Append(entry.Type.Name()).Append("\",\"shape\":[");
        json.AppendJoin(',', entry.Shape.Dims.ToArray().Select(dim => dim.ToString(CultureInfo.InvariantCulture)));
        json.Append(CultureInfo.InvariantCulture, $"],\"data_offsets\":[{begin},{end}]}}");
        return end;
    }

    private static StringBuilder Separated(StringBuilder json) => json[^1] == '{' ? json : json.Append(',');

    // As serde_json escapes: quotes, backslashes and control characters; all else stays as it is.
    private static StringBuilder AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\t' => json.Append("\\t"),
                '\n' => json.Append("\\n"),
                '\f' => json.Append("\\f"),
                '\r' => json.Append("\\r"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        return json.Append('"');
    }
}
