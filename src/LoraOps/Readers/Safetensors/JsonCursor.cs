using System.Text.Json;

namespace LoraOps.Readers.Safetensors;

/// <summary>Reads JSON of strangers forward only: bounded in depth, without a document in memory.</summary>
internal static class JsonCursor
{
    /// <summary>How deep the JSON of a header or an index may nest; both need 3 levels.</summary>
    public const int MaxDepth = 64;

    /// <summary>A reader that leaves the depth to <see cref="Skip"/>, so that its breach has a problem of its own.</summary>
    public static Utf8JsonReader Over(ReadOnlySpan<byte> json) => new(json, new JsonReaderOptions { MaxDepth = MaxDepth + 2 });

    /// <summary>Passes over the value that the reader stands on; false if it nests too deep.</summary>
    public static bool Skip(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return true;

        var depth = reader.CurrentDepth;
        do
        {
            reader.Read();
            if (reader.CurrentDepth >= MaxDepth)
                return false;
        }
        while (reader.CurrentDepth > depth);

        return true;
    }

    /// <summary>What the value that the reader stands on is, in words.</summary>
    public static string Kind(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "a truth value",
    };

    /// <summary>What .NET's reader says without the position in its own words.</summary>
    public static string Reason(Exception error) => error is JsonException
        ? error.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ')
        : "a \\u escape is half of a surrogate pair";
}
