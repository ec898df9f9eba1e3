using System.Text.Encodings.Web;
using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>JSON files as vendors' tools exchange them: one object, two spaces, LF.</summary>
internal static class HandOffJson
{
    // Names of nodes hold '+', '<' and letters of any language: people look for them as they are.
    private static readonly JsonWriterOptions Written = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonDocumentOptions Taken = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>Writes an object.</summary>
    public static void Write(string path, Action<Utf8JsonWriter> fill)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        using (var json = new Utf8JsonWriter(file, Written))
        {
            json.WriteStartObject();
            fill(json);
            json.WriteEndObject();
        }

        file.WriteByte((byte)'\n');
    }

    /// <summary>Reads an object.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it should be, for messages.</param>
    /// <param name="take">Takes what it holds; whatever it misses there is told as a problem.</param>
    /// <exception cref="LoraOpsException">It is missing, no JSON, or not as expected.</exception>
    public static T Read<T>(string path, string kind, Func<JsonElement, T> take)
    {
        try
        {
            using var document = JsonDocument.Parse(HandOffText.Read(path, kind), Taken);
            return take(document.RootElement);
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new LoraOpsException(HandOffProblems.FileInvalid(path, kind, damage.Message.TrimEnd('.')));
        }
    }
}
