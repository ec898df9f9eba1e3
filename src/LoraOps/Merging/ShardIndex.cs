using System.Text.Encodings.Web;
using System.Text.Json;

namespace LoraOps.Merging;

/// <summary>The index of a sharded checkpoint, as huggingface_hub writes it: two spaces, sorted names, a final line break.</summary>
internal static class ShardIndex
{
    /// <summary>The file's usual name beside these files.</summary>
    public static string FileName(IReadOnlyList<OutputShard> shards) => OutputLayout.SingleName(shards[0].FileName) + ".index.json";

    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The index of these files.</summary>
    public static byte[] Encode(IReadOnlyList<OutputShard> shards)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(shard => shard.ByteLength));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach (var (name, file) in shards.SelectMany(shard => shard.Tensors.Select(tensor => (tensor.Name, shard.FileName)))
                .OrderBy(pair => pair.Name, StringComparer.Ordinal))
                json.WriteString(name, file);

            json.WriteEndObject();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
