using System.Text.Json;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Writes files of ranges.</summary>
internal static class RangeFileWriter
{
    /// <summary>What says that a document holds ranges.</summary>
    public const string Format = "loraops-ranges";

    /// <summary>The version that this library writes and reads.</summary>
    public const int Version = 1;

    /// <summary>Writes a document; numbers are the shortest that read back the same.</summary>
    public static void Write(RangeFile file, string path)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write);
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        var settings = file.Settings;
        writer.WriteStartObject();
        writer.WriteString("format", Format);
        writer.WriteNumber("version", Version);
        writer.WriteString("model", file.Model);
        writer.WriteString("data", file.Data);
        writer.WriteNumber("samples", file.Samples);
        writer.WriteString("calibrator", settings.Calibrator.Name);
        writer.WriteNumber("percentile", settings.Percentile);
        writer.WriteNumber("bins", settings.Bins);
        writer.WriteNumber("movingAverage", settings.MovingAverage ?? 0);
        writer.WriteNumber("codes", settings.Codes.Count);
        writer.WriteBoolean("symmetric", settings.Codes.IsSymmetric);
        writer.WriteStartArray("tensors");
        foreach (var tensor in file.Tensors)
            Write(writer, tensor);

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, StoredRange tensor)
    {
        writer.WriteStartObject();
        writer.WriteString("name", tensor.Name);
        writer.WriteString("identity", tensor.Identity);
        writer.WriteNumber("min", tensor.Range.Min);
        writer.WriteNumber("max", tensor.Range.Max);
        writer.WriteNumber("observedMin", tensor.Observed.Min);
        writer.WriteNumber("observedMax", tensor.Observed.Max);
        writer.WriteEndObject();
    }
}
