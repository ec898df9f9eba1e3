using System.Text.Json;
using System.Text.Unicode;
using LoraOps.Problems;

namespace LoraOps.Readers.Safetensors;

/// <summary>Parses the JSON header of a safetensors file, as strictly as the reference reader and where it counts more so.</summary>
internal sealed class HeaderParser(string path)
{
    /// <summary>The most bytes a header may have, from the format.</summary>
    public const long MaxBytes = 100_000_000;

    /// <summary>The most tensors, and the most keys of metadata, that a header may have.</summary>
    public const int MaxEntries = 1_000_000;

    private const int MaxNameBytes = 4096;
    private const string MetadataName = "__metadata__";

    private readonly List<HeaderEntry> _entries = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly ProblemList _problems = new();
    private bool _hasMetadata;

    /// <summary>Parses a header.</summary>
    /// <exception cref="LoraOpsException">It is not well formed; all that is wrong, or the first dozen, is told.</exception>
    public static Header Parse(string path, ReadOnlySpan<byte> json)
    {
        if (json.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            throw new LoraOpsException(SafetensorsProblems.HeaderBom(path));

        if (!Utf8.IsValid(json))
            throw new LoraOpsException(SafetensorsProblems.HeaderNotUtf8(path));

        var reader = JsonCursor.Over(json);
        try
        {
            JsonLiterals.Check(json);
            var parser = new HeaderParser(path);
            parser.ReadObject(ref reader);
            return new Header(parser._entries, parser._metadata);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(
                SafetensorsProblems.HeaderNotJson(path, reader.BytesConsumed, JsonCursor.Reason(error)));
        }
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new LoraOpsException(SafetensorsProblems.HeaderNotObject(path, JsonCursor.Kind(ref reader)));

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(MetadataName))
                ReadMetadata(ref reader);
            else
                ReadEntry(ref reader);
        }

        // Reads past the end so that text after the object is refused; white space is not.
        reader.Read();
        _problems.ThrowIfAny();
    }

    private void ReadEntry(ref Utf8JsonReader reader)
    {
        var name = ReadName(ref reader);
        if (_names.Count == MaxEntries)
            throw new LoraOpsException(SafetensorsProblems.TooManyEntries(path, MaxEntries));

        if (!_names.Add(name))
            _problems.Add(SafetensorsProblems.NameTwice(path, name));

        if (name.Contains('\0', StringComparison.Ordinal))
            _problems.Add(SafetensorsProblems.NameHasNul(path, name));

        reader.Read();
        if (new EntryParser(path, name, _problems).Read(ref reader) is { } entry)
            _entries.Add(entry);
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_hasMetadata)
            _problems.Add(SafetensorsProblems.MetadataTwice(path, MetadataName));

        _hasMetadata = true;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return;

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            _problems.Add(SafetensorsProblems.MetadataNotText(path, MetadataName, JsonCursor.Kind(ref reader)));
            SkipValue(ref reader);
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (_metadata.Count == MaxEntries)
                throw new LoraOpsException(SafetensorsProblems.TooManyEntries(path, MaxEntries));

            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                _problems.Add(SafetensorsProblems.MetadataNotText(path, key, JsonCursor.Kind(ref reader)));
            else if (!_metadata.TryAdd(key, reader.GetString()!))
                _problems.Add(SafetensorsProblems.MetadataTwice(path, key));

            SkipValue(ref reader);
        }
    }

    private string ReadName(ref Utf8JsonReader reader)
    {
        // An escape takes at most six bytes for one, so a longer name need not be decoded to be refused.
        var raw = reader.ValueSpan;
        if (raw.Length > 6 * MaxNameBytes)
            throw new LoraOpsException(SafetensorsProblems.NameTooLong(path, Start(raw), MaxNameBytes));

        var name = reader.GetString()!;
        return System.Text.Encoding.UTF8.GetByteCount(name) <= MaxNameBytes
            ? name
            : throw new LoraOpsException(SafetensorsProblems.NameTooLong(path, Start(raw), MaxNameBytes));
    }

    private static string Start(ReadOnlySpan<byte> name) => System.Text.Encoding.UTF8.GetString(name[..40]);

    private void SkipValue(ref Utf8JsonReader reader)
    {
        if (!JsonCursor.Skip(ref reader))
            throw new LoraOpsException(SafetensorsProblems.HeaderTooDeep(path, JsonCursor.MaxDepth));
    }
}
