using System.Text.Json;
using LoraOps.Bundles;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Reads files of ranges; every field is asked for, and nothing else may be there.</summary>
internal sealed class RangeFileReader
{
    private const long MaxBytes = 1 << 26;
    private const int MaxNameLength = 4096;
    private const int MaxDepth = 4;
    private const int BytesThatTell = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
    private readonly string _path;

    private RangeFileReader(string path) => _path = path;

    /// <summary>True if a file says at its beginning that it holds ranges.</summary>
    public static bool IsFile(string path)
    {
        using var file = InputFile.Open(path);
        var start = new byte[BytesThatTell];
        var count = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return start.AsSpan(0, count).IndexOf(System.Text.Encoding.ASCII.GetBytes($"\"{RangeFileWriter.Format}\"")) >= 0;
    }

    /// <summary>Reads a file of at most 64 MiB.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no file of ranges, or a field of it is wrong.</exception>
    public static RangeFile Read(string path)
    {
        var bytes = InputFile.ReadAll(path, MaxBytes, length => RangeProblems.Unreadable(path, $"is {length} bytes long, at most {MaxBytes} are read"));
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            return new RangeFileReader(path).File(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The second is a text whose escapes make no characters.
            throw new LoraOpsException(RangeProblems.Unreadable(path, "is no JSON document without doubled keys: " + error.Message.Split('\n')[0]));
        }
    }

    private RangeFile File(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.String
            || format.GetString() != RangeFileWriter.Format)
        {
            throw new LoraOpsException(RangeProblems.Unreadable(_path, $"is a JSON document without \"format\": \"{RangeFileWriter.Format}\""));
        }

        var version = Whole(root, "", "version", 0, int.MaxValue);
        if (version != RangeFileWriter.Version)
            throw Wrong("version", $"is {version}, this version reads {RangeFileWriter.Version}");

        var file = new RangeFile
        {
            Path = _path,
            Model = DigestOf(root, "", "model"),
            Data = DigestOf(root, "", "data"),
            Samples = Whole(root, "", "samples", 1, int.MaxValue),
            Settings = Settings(root),
            Tensors = Tensors(root),
        };
        RefuseOthers(root, "", [
            "format", "version", "model", "data", "samples", "calibrator", "percentile", "bins", "movingAverage", "codes", "symmetric", "tensors"]);
        return file;
    }

    private CalibrationSettings Settings(JsonElement root)
    {
        var name = Text(root, "", "calibrator");
        var average = Number(root, "", "movingAverage");
        var settings = new CalibrationSettings
        {
            Calibrator = Calibrators.Find(name)
                ?? throw Wrong("calibrator", $"is '{name}', none of {string.Join(", ", Calibrators.All.Select(one => one.Name))}"),
            Percentile = Number(root, "", "percentile"),
            Bins = Whole(root, "", "bins", CalibrationSettings.FewestBins, CalibrationSettings.MostBins),
            MovingAverage = average == 0 ? null : average,
            Codes = new CodeLevels(Whole(root, "", "codes", 2, 1 << 16), Flag(root, "symmetric")),
        };
        try
        {
            settings.Check();
            return settings;
        }
        catch (ArgumentException wrong)
        {
            throw Wrong("calibrator", $"goes with a setting that it cannot have: {wrong.Message.Split('\n')[0]}");
        }
    }

    private List<StoredRange> Tensors(JsonElement root)
    {
        if (Field(root, "", "tensors") is not { ValueKind: JsonValueKind.Array } list)
            throw Wrong("tensors", "must be a list");

        var tensors = new List<StoredRange>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in list.EnumerateArray())
        {
            var at = $"tensors[{tensors.Count}].";
            var tensor = new StoredRange(
                Text(item, at, "name"), DigestOf(item, at, "identity"), Range(item, at, "min", "max"), Range(item, at, "observedMin", "observedMax"));
            RefuseOthers(item, at, ["name", "identity", "min", "max", "observedMin", "observedMax"]);
            if (!names.Add(tensor.Name))
                throw Wrong(at + "name", $"is '{tensor.Name}', as of a tensor before");

            tensors.Add(tensor);
        }

        return tensors;
    }

    private TensorRange Range(JsonElement parent, string at, string low, string high)
    {
        var (min, max) = ((float)Number(parent, at, low), (float)Number(parent, at, high));
        if (!float.IsFinite(min) || !float.IsFinite(max))
            throw Wrong(at + low, "must be finite in float32, and so must " + high);

        return min <= max ? new TensorRange(min, max) : throw Wrong(at + low, $"is above {high}");
    }

    private string Text(JsonElement parent, string at, string name) =>
        Field(parent, at, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { Length: > 0 and <= MaxNameLength } text
            ? text
            : throw Wrong(at + name, $"must be a text of 1 to {MaxNameLength} characters");

    private string DigestOf(JsonElement parent, string at, string name) =>
        Text(parent, at, name) is var text && Digest.IsDigest(text) ? text : throw Wrong(at + name, "must be 64 lower-case hexadecimal digits");

    private double Number(JsonElement parent, string at, string name) =>
        Field(parent, at, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(at + name, "must be a number");

    private int Whole(JsonElement parent, string at, string name, int least, int most) =>
        Field(parent, at, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw Wrong(at + name, $"must be a whole number from {least} to {most}");

    private bool Flag(JsonElement parent, string name) => Field(parent, "", name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "must be true or false"),
    };

    private JsonElement Field(JsonElement parent, string at, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : throw Wrong(at + name, "is missing");

    private void RefuseOthers(JsonElement parent, string at, string[] known)
    {
        foreach (var property in parent.EnumerateObject().Where(property => !known.Contains(property.Name)))
            throw Wrong(at + property.Name, "is unknown");
    }

    private LoraOpsException Wrong(string field, string what) => new(RangeProblems.Invalid(_path, field, what));
}
