using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LoraOps.Bundles;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>SARIF 2.1.0 as code hosts read it: a rule per gate's metric and per rule of the chip, a result per breach.</summary>
internal static class SarifReport
{
    private const string Schema = "https://json.schemastore.org/sarif-2.1.0.json";
    private static readonly JsonWriterOptions Layout = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private const int LongestMessage = 4000;
    private const int LongestName = 400;

    /// <summary>Renders the checks.</summary>
    public static string Write(CheckList list)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Layout))
        {
            json.WriteStartObject();
            json.WriteString("$schema", Schema);
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            json.WriteStartObject();
            WriteTool(json, list);

            // Code hosts tell the runs of one commit apart by it.
            json.WriteStartObject("automationDetails");
            json.WriteString("id", $"loraops/{list.Command}/{string.Join('+', list.Suites.Select(suite => ReportText.Short(suite.Name, 60)).Take(3))}/");
            json.WriteEndObject();
            json.WriteString("columnKind", "utf16CodeUnits");
            WriteResults(json, list);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    private static void WriteTool(Utf8JsonWriter json, CheckList list)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "loraops");
        json.WriteString("semanticVersion", CommandLine.Version);
        json.WriteStartArray("rules");
        foreach (var rule in list.Rules)
        {
            json.WriteStartObject();
            json.WriteString("id", rule.Id);
            WriteText(json, "shortDescription", $"{rule.Demand}.");
            if (rule.Advice.Length > 0)
                WriteText(json, "help", rule.Advice);

            json.WriteStartObject("defaultConfiguration");
            json.WriteString("level", Level(rule.Breach));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteResults(Utf8JsonWriter json, CheckList list)
    {
        var indexes = list.Rules.Index().ToDictionary(pair => pair.Item.Id, pair => pair.Index, StringComparer.Ordinal);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        json.WriteStartArray("results");
        foreach (var (suite, check) in list.Findings)
        {
            json.WriteStartObject();
            json.WriteString("ruleId", check.Rule);
            if (indexes.TryGetValue(check.Rule, out var index))
                json.WriteNumber("ruleIndex", index);

            json.WriteString("level", Level(check.Outcome));
            WriteText(json, "message", check.Where.Length == 0 ? check.Message : $"{ReportText.Short(check.Where, LongestName)}: {check.Message}");
            WriteLocation(json, suite, check);
            json.WriteStartObject("partialFingerprints");
            json.WriteString("loraopsCheck/v1", Fingerprint(suite, check, seen));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLocation(Utf8JsonWriter json, CheckSuite suite, Check check)
    {
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", RelativePlace.Uri(suite.File));
        json.WriteEndObject();

        // The file is binary, but code hosts show no result without a line.
        json.WriteStartObject("region");
        json.WriteNumber("startLine", 1);
        json.WriteEndObject();
        json.WriteEndObject();
        if (check.Where.Length > 0)
        {
            json.WriteStartArray("logicalLocations");
            json.WriteStartObject();
            json.WriteString("fullyQualifiedName", ReportText.Short(check.Where, LongestName));
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    }

    // Of what stays the same from run to run: no measured number is in it. The second of two equal ones ends on :2.
    private static string Fingerprint(CheckSuite suite, Check check, Dictionary<string, int> seen)
    {
        var hash = Digest.OfText(string.Join('\0', suite.Name, check.Rule, check.Name, check.Where))[..32];
        seen[hash] = seen.GetValueOrDefault(hash) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{hash}:{seen[hash]}");
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", ReportText.Short(text, LongestMessage));
        json.WriteEndObject();
    }

    private static string Level(Outcome outcome) => outcome switch
    {
        Outcome.Failed => "error",
        Outcome.Warned => "warning",
        Outcome.Skipped => "note",
        _ => "none",
    };
}
