using System.Globalization;
using System.Text.Json;
using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Readers;

namespace LoraOps.Cli.Reports;

/// <summary>The document that <c>validate --json</c> writes, as a bundle's manifest records it.</summary>
internal static class ParityDocument
{
    private const string Expected = "a document of 'loraops validate --json'";
    private const long MaxBytes = 16_000_000;

    /// <summary>Reads one document.</summary>
    /// <exception cref="LoraOpsException">It is none.</exception>
    public static ManifestCheck Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(InputFile.ReadAll(path, MaxBytes, _ => FileProblems.KindUnknown(path, Expected)));
            var root = json.RootElement;
            return new ManifestCheck(
                "validate",
                Path.GetFileName(root.GetProperty("reference").GetString() ?? ""),
                root.GetProperty("samples").GetInt32(),
                [.. root.GetProperty("metrics").EnumerateArray().Select(metric => new ManifestMetric(Text(metric, "metric"), Number(metric)))],
                [.. root.GetProperty("gates").EnumerateArray().Select(gate =>
                    new ManifestGate(Text(gate, "gate"), Number(gate), Text(gate, "result") == "pass"))]);
        }
        catch (Exception damage) when (damage is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new LoraOpsException(FileProblems.KindUnknown(path, Expected));
        }
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString() ?? "";

    // JSON has no infinities: they are words there.
    private static double Number(JsonElement row)
    {
        var measured = row.GetProperty("measured");
        return measured.ValueKind == JsonValueKind.Number
            ? measured.GetDouble()
            : double.Parse(measured.GetString() ?? "", NumberStyles.Float, CultureInfo.InvariantCulture);
    }
}
