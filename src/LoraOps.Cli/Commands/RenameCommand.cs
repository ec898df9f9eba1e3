using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops rename PATH [--from DIALECT] --dialect DIALECT -o FILE</c></summary>
internal sealed class RenameCommand : Verb
{
    private const string Known = "an .onnx_adapter or a model of the form inputs";
    private static readonly string[] Dialects = [.. NameDialects.All.Select(dialect => dialect.Name)];
    private readonly Argument<string> _path = new("PATH") { Description = $"The file: {Known}." };

    private readonly Option<string> _from = new Option<string>("--from")
    {
        Description = "The dialect of its names; found by looking at them if left out.",
        HelpName = "DIALECT",
    }.Among(Dialects);

    private readonly Option<string> _dialect = new Option<string>("--dialect")
    {
        Description = $"The dialect that is wanted: {string.Join(", ", Dialects)}.",
        HelpName = "DIALECT",
        Required = true,
    }.Among(Dialects);

    private readonly Option<string> _output = OutputPlace.Option("FILE", "The renamed file.");
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();

    public RenameCommand()
        : base("rename", "Change how a model and its .onnx_adapter files call what they share; rename both alike.")
    {
        Add(_path);
        foreach (var option in new Option[] { _from, _dialect, _output, _overwrite })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var path = parsed.GetRequiredValue(_path);
        if (ArtifactKinds.IsModelFolder(path))
            path = Path.Combine(path, "model.onnx");

        var output = parsed.GetRequiredValue(_output);
        if (!Path.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        var from = parsed.GetValue(_from) is { } name ? NameDialects.Find(name) : null;
        var to = NameDialects.Find(parsed.GetRequiredValue(_dialect))!;
        return ArtifactKinds.Of(path) switch
        {
            ArtifactKind.OnnxAdapter => RenameAdapter(path, from, to, Staged(path, output, parsed)),
            ArtifactKind.Onnx => RenameModel(path, from, to, Staged(path, output, parsed)),
            _ => throw new LoraOpsException(FileProblems.KindUnknown(path, Known)),
        };
    }

    private static Answer RenameAdapter(string path, NameDialect? from, NameDialect to, Func<StagedOutput> stage)
    {
        var adapter = OnnxAdapterFile.Read(path);
        var renaming = DialectRenaming.Of(adapter, path, from, to);
        using var output = stage();
        OnnxAdapterFile.Write(output.Path, renaming.Apply(adapter));
        output.Commit();
        return Describe(path, renaming);
    }

    private static Answer RenameModel(string path, NameDialect? from, NameDialect to, Func<StagedOutput> stage)
    {
        var model = OnnxModel.Load(path);
        var renaming = DialectRenaming.Of(model, from, to);
        renaming.Apply(model);
        using var output = stage();
        model.Save(output.Path);
        output.Commit();
        return Describe(path, renaming);
    }

    // Before any work an output that cannot be is refused; it is made when there is something to write.
    private Func<StagedOutput> Staged(string path, string output, ParseResult parsed)
    {
        var overwrite = parsed.GetValue(_overwrite);
        if (OutputPlace.IsSame(path, output))
            throw new LoraOpsException(OutputProblems.OutputIsInput(output));

        return StagedOutput.Obstacle(output, overwrite) is { } problem
            ? throw new LoraOpsException(problem)
            : () => StagedOutput.ForFile(output, overwrite);
    }

    private static Answer Describe(string path, DialectRenaming renaming) => new(new Sheet()
        .Add("input", path)
        .Add("from", renaming.From.Name)
        .Add("to", renaming.To.Name)
        .Add("renamed", renaming.Names.Count(pair => pair.Key != pair.Value))
        .AddGrid("names", ["old", "new"], Rows(renaming), detail: true));

    private static IEnumerable<Cell[]> Rows(DialectRenaming renaming) =>
        renaming.Names.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => new Cell[] { pair.Key, pair.Value });
}
