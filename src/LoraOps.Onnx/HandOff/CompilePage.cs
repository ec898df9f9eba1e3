using System.Text;
using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>The page for people beside the files: commands, files, layers that are not INT8, notes.</summary>
public static class CompilePage
{
    private const string Opened = "```sh";
    private const string Closed = "```";

    /// <summary>The commands of a page.</summary>
    /// <exception cref="Problems.LoraOpsException">It is missing, or no text.</exception>
    public static IReadOnlyList<string> CommandsOf(string path) => [.. HandOffText.Read(path, "compile page").ReplaceLineEndings("\n").Split('\n')
        .SkipWhile(line => line != Opened).Skip(1)
        .TakeWhile(line => line != Closed)];

    /// <summary>Writes the page in Markdown.</summary>
    internal static void Write(HandOffModel model, IReadOnlyList<string> commands, string path)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(model.Names.Model).Append(" for ").Append(model.Chip.Name).Append("\n\n")
            .Append(model.Chip.Vendor).Append(": ").Append(model.Chip.Sdk).Append(".\n");
        if (commands.Count > 0)
        {
            text.Append("\nRun in this folder:\n\n").Append(Opened).Append('\n');
            foreach (var command in commands)
                text.Append(command).Append('\n');

            text.Append(Closed).Append('\n');
        }

        Table(text, "Files", ["file", "what it is"], HandOffs.Files(model.Chip, model.Names.Model)
            .Select(file => new[] { file.Name, file.Purpose })
            .Prepend([model.Names.Model, "the quantized model, which ONNX Runtime runs and the measurements hold for"]));
        text.Append("\nsha256 of ").Append(model.Names.Float).Append(": ").Append(model.FloatDigest).Append('\n');
        Table(text, "Layers that are not INT8", ["layer", "operator", "precision"], model.Layers
            .Where(layer => layer.Precision != LayerPrecision.Int8)
            .Select(layer => new[] { layer.Name, layer.Op, HorizonHandOff.TypeOf(layer.Precision) }));
        if (model.Notes.Count > 0)
            text.Append("\n## Notes\n\n");

        foreach (var note in model.Notes)
            text.Append("- ").Append(note).Append('\n');

        HandOffText.Write(path, text.ToString());
    }

    private static void Table(StringBuilder text, string title, string[] columns, IEnumerable<string[]> rows)
    {
        var cells = rows.ToList();
        if (cells.Count == 0)
            return;

        text.Append("\n## ").Append(title).Append("\n\n");
        Row(text, columns);
        Row(text, [.. columns.Select(_ => "---")]);
        cells.ForEach(row => Row(text, row));
    }

    private static void Row(StringBuilder text, string[] cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" "))).Append(" |\n");
}
