using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Cli.Output;

/// <summary>The one document that <c>--json</c> writes.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Layout = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>ok, exit, command and problems first, then the parts of the sheet in order.</summary>
    public static string Of(string command, Answer answer) => Of(command, answer.Sheet, answer.Exit, answer.Problems);

    /// <summary>The same for a command that could not say anything but what is wrong.</summary>
    public static string Of(string command, Sheet sheet, ExitCode exit, IReadOnlyList<Problem> problems)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Layout))
        {
            json.WriteStartObject();
            json.WriteBoolean("ok", exit == ExitCode.Done);
            json.WriteNumber("exit", (int)exit);
            json.WriteString("command", command);
            WriteProblems(json, problems);
            foreach (var part in sheet.Parts)
                WritePart(json, part);

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }

    private static void WriteProblems(Utf8JsonWriter json, IReadOnlyList<Problem> problems)
    {
        json.WriteStartArray("problems");
        foreach (var problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("code", problem.Id);
            json.WriteString("where", problem.Where);
            json.WriteString("what", problem.What);
            json.WriteString("advice", problem.Advice);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter json, SheetPart part)
    {
        json.WritePropertyName(Sheet.Key(part.Label));
        switch (part)
        {
            case Field field:
                field.Value.Write(json);
                break;
            case Notes notes:
                Cell.List(notes.Lines).Write(json);
                break;
            case Grid grid:
                WriteGrid(json, grid);
                break;
        }
    }

    private static void WriteGrid(Utf8JsonWriter json, Grid grid)
    {
        var keys = grid.Columns.Select(Sheet.Key).ToArray();
        json.WriteStartArray();
        foreach (var row in grid.Rows)
        {
            json.WriteStartObject();
            foreach (var (key, cell) in keys.Zip(row))
            {
                json.WritePropertyName(key);
                cell.Write(json);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
