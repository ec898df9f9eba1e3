using System.Text;
using System.Text.Json;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>SARIF 2.1.0 as code hosts read it: a rule per metric that a gate limits, a result per missed gate.</summary>
internal static class SarifReport
{
    private const string Schema = "https://json.schemastore.org/sarif-2.1.0.json";

    /// <summary>Renders the results.</summary>
    public static string Write(ParityReport report, IReadOnlyList<GateResult> results)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", Schema);
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            json.WriteStartObject();
            WriteTool(json, results);
            json.WriteStartArray("results");
            foreach (var result in results.Where(result => !result.Passed))
                WriteResult(json, report, result);

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    private static void WriteTool(Utf8JsonWriter json, IReadOnlyList<GateResult> results)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "loraops");
        json.WriteString("semanticVersion", CommandLine.Version);
        json.WriteStartArray("rules");
        foreach (var metric in Metrics.All.Where(metric => results.Any(result => result.Gate.Metric == metric.Name)))
        {
            json.WriteStartObject();
            json.WriteString("id", metric.Name);
            WriteText(json, "shortDescription", metric.What);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter json, ParityReport report, GateResult result)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", result.Gate.Metric);
        json.WriteString("level", "error");
        WriteText(json, "message", result.Problem(report.Candidate)?.ToString() ?? "");
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", Location(report.Candidate));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("partialFingerprints");
        json.WriteString("gate/v1", $"{result.Gate} {result.Output}");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", text);
        json.WriteEndObject();
    }

    // Code hosts want a path in the repository: relative, with slashes, as the user wrote it.
    private static string Location(string path)
    {
        var relative = Path.IsPathRooted(path) ? Path.GetRelativePath(Environment.CurrentDirectory, path) : path;
        return string.Join('/', relative.Split('/', '\\').Select(Uri.EscapeDataString));
    }
}
