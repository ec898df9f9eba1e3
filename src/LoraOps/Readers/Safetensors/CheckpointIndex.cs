using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using LoraOps.Problems;

namespace LoraOps.Readers.Safetensors;

/// <summary>The index of a sharded checkpoint (<c>model.safetensors.index.json</c>, huggingface_hub serialization).</summary>
internal sealed class CheckpointIndex
{
    private const long MaxBytes = 100_000_000;
    private readonly string _path;
    private readonly ProblemList _problems = new();
    private readonly Dictionary<string, string> _shardOf = new(StringComparer.Ordinal);
    private bool _hasWeightMap;

    private CheckpointIndex(string path, byte[] json) => (_path, Json) = (path, json);

    /// <summary>The file as it is.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The file name of the shard that holds each tensor; every one is a plain file name.</summary>
    public IReadOnlyDictionary<string, string> ShardOf => _shardOf;

    /// <summary>The bytes of all tensors as the index claims, in its own words; null if it does not say.</summary>
    public string? TotalSize { get; private set; }

    /// <summary>Reads an index; the shards are not looked at.</summary>
    /// <exception cref="LoraOpsException">It cannot be read, is no index, or names files outside its folder.</exception>
    public static CheckpointIndex Read(string path)
    {
        var json = InputFile.ReadAll(path, MaxBytes, length => CheckpointProblems.IndexTooLarge(path, length, MaxBytes));
        if (!Utf8.IsValid(json))
            throw new LoraOpsException(CheckpointProblems.IndexNotJson(path, "it is not UTF-8"));

        var index = new CheckpointIndex(path, json);
        try
        {
            JsonLiterals.Check(json);
            var reader = JsonCursor.Over(json);
            index.ReadObject(ref reader);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(CheckpointProblems.IndexNotJson(path, JsonCursor.Reason(error)));
        }

        return index;
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw NoWeightMap($"the file is {JsonCursor.Kind(ref reader)}");

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("weight_map"))
                ReadWeightMap(ref reader);
            else if (reader.ValueTextEquals("metadata"))
                ReadMetadata(ref reader);
            else
                SkipNext(ref reader);
        }

        reader.Read();
        if (!_hasWeightMap)
            throw NoWeightMap("has no weight_map");

        _problems.ThrowIfAny();
    }

    private void ReadWeightMap(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (_hasWeightMap)
            throw NoWeightMap("has two weight_maps");

        if (reader.TokenType != JsonTokenType.StartObject)
            throw NoWeightMap($"weight_map is {JsonCursor.Kind(ref reader)}");

        _hasWeightMap = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var tensor = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                _problems.Add(CheckpointProblems.IndexShardNotText(_path, tensor, JsonCursor.Kind(ref reader)));
            else
                AddShard(tensor, reader.GetString()!);

            Skip(ref reader);
        }
    }

    private void AddShard(string tensor, string shard)
    {
        if (!IsPlainName(shard))
            _problems.Add(FileProblems.PathEscapes(_path, shard));
        else if (!_shardOf.TryAdd(tensor, shard))
            _problems.Add(CheckpointProblems.IndexNameTwice(_path, tensor));
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Skip(ref reader);
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTotal = reader.ValueTextEquals("total_size");
            reader.Read();
            if (isTotal)
                TotalSize = Text(ref reader);

            Skip(ref reader);
        }
    }

    // Some writers give a float: 8.0 is the same claim as 8.
    private static string Text(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var number)
            ? number.ToString("0.############################", CultureInfo.InvariantCulture)
            : JsonCursor.Kind(ref reader);

    // The separators of every system are refused on every system: a checkpoint is good or bad everywhere.
    private static bool IsPlainName(string name) =>
        name.Length is > 0 and <= 255 && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:\0") < 0;

    private void SkipNext(ref Utf8JsonReader reader)
    {
        reader.Read();
        Skip(ref reader);
    }

    private void Skip(ref Utf8JsonReader reader)
    {
        if (!JsonCursor.Skip(ref reader))
            throw new LoraOpsException(CheckpointProblems.IndexNotJson(_path, $"nests deeper than {JsonCursor.MaxDepth} levels"));
    }

    private LoraOpsException NoWeightMap(string found) => new(CheckpointProblems.IndexNoWeightMap(_path, found));
}
