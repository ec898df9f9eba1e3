using System.CommandLine;
using LoraOps.Adapters;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops convert --model BASE.onnx --adapter DIR -o DIR|FILE</c></summary>
internal sealed class ConvertCommand : Verb
{
    private static readonly string[] Columns =
    [
        "module", "parameter", "method", "rank", "change", "initializer", "rows", "copy", "operator", "nodes", "transposed", "evidence", "verified",
        "pattern",
    ];

    private static readonly string[] FileColumns = ["adapter", "file", "bytes", "parameters", "model version", "adapter version"];
    private static readonly string[] ChoiceColumns = ["number", "adapter"];

    private readonly Option<string> _model = new("--model") { Description = "The base model.", HelpName = "BASE.onnx", Required = true };
    private readonly AdapterOptions _adapters = new();

    private readonly FormChoice _form = new();
    private readonly Option<string> _output = OutputPlace.Option();

    private readonly Option<string?> _base = new("--base")
    {
        Description = "The base's own weights: every mapped place is compared with them.",
        HelpName = "SAFETENSORS",
    };

    private readonly Option<string?> _map = new("--map")
    {
        Description = "JSON that names the initializer or node of a module where the graph does not.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _explain = new("--explain") { Description = "Show where each module went, and why there." };

    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public ConvertCommand()
        : base("convert", "Put adapters into an ONNX model.")
    {
        Add(_model);
        _adapters.AddTo(this);
        _form.AddTo(this);
        foreach (var option in new Option[] { _output, _base, _map, _explain, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var source = parsed.GetRequiredValue(_model);
        var inputs = new[] { source, parsed.GetValue(_base), parsed.GetValue(_map) }.OfType<string>();
        var place = OutputPlace.Checked(
            parsed.GetRequiredValue(_output), parsed.GetValue(_overwrite), inputs.Concat(_adapters.Folders(parsed)));
        var files = new ConvertedFiles(place, parsed.GetValue(_overwrite), _form.Layout(parsed));
        return screen.WithStages(stages =>
        {
            stages.Begin("reading the adapters");
            var adapters = _adapters.Read(parsed);
            if (_form.Form(parsed) == InputsForm.Name)
                files.Check(adapters.Select(source => (source.Adapter.Name, source.Adapter.Folder)));

            stages.Begin("reading the model");
            var model = OnnxModel.Load(source);
            stop.ThrowIfCancellationRequested();
            stages.Begin(_form.Form(parsed) == FormChoice.Merged ? "folding the adapters into the weights" : "putting the adapters beside the layers");
            var conversion = Convert(parsed, model, adapters);
            stop.ThrowIfCancellationRequested();
            if (!parsed.GetValue(_dryRun))
            {
                stages.Begin("writing the model");
                files.Write(conversion);
            }

            return new Answer(Describe(parsed, conversion, adapters, (place, files)));
        });
    }

    private Conversion Convert(ParseResult parsed, OnnxModel model, IReadOnlyList<WeightedAdapter> adapters)
    {
        using var weights = parsed.GetValue(_base) is { } path ? Checkpoint.Open(path) : null;
        var map = parsed.GetValue(_map) is { } file ? ModuleMap.Load(file) : ModuleMap.Empty;
        return _form.Convert(parsed, model, adapters, new MappingOptions { Base = weights, Map = map });
    }

    private Sheet Describe(
        ParseResult parsed, Conversion conversion, IReadOnlyList<WeightedAdapter> adapters, (OutputPlace Place, ConvertedFiles Files) output)
    {
        var (form, isDryRun) = (_form.Form(parsed), parsed.GetValue(_dryRun));
        var sheet = new Sheet()
            .Add("output", output.Place.Model)
            .Add("written", !isDryRun)
            .Add("bytes", isDryRun ? Cell.None : Cell.Bytes(output.Place.Bytes()))
            .Add("form", form)
            .Add("adapters", Cell.List(adapters.Select(adapter => adapter.Adapter.Name)))
            .Add("changed", conversion.Sites.Count)
            .Add("verified", conversion.Sites.Count(site => site.IsVerified));
        if (form == InputsForm.Name)
            sheet.AddGrid("files", FileColumns, conversion.Adapters.Select(adapter => FileRow(adapter, output.Files.FileOf(adapter.Name), isDryRun)));
        else if (form == SwitchableForm.Name)
            sheet.AddGrid("choices", ChoiceColumns, adapters.Select((adapter, at) => new Cell[] { at + 1, adapter.Adapter.Name }));

        return sheet
            .AddGrid("sites", Columns, conversion.Sites.Select(Row), detail: !parsed.GetValue(_explain))
            .AddNotes("warnings", conversion.Warnings);
    }

    private static Cell[] FileRow(NamedAdapter adapter, string file, bool isDryRun) =>
    [
        adapter.Name,
        file,
        isDryRun ? Cell.None : Cell.Bytes(new FileInfo(file).Length),
        adapter.Content.Parameters.Count,
        adapter.Content.ModelVersion,
        adapter.Content.AdapterVersion,
    ];

    private static Cell[] Row(Site site) =>
    [
        site.Module.Value,
        site.Parameter,
        site.Method,
        site.Rank,
        site.Pattern.Length == 0 ? site.RelativeChange : Cell.None,
        site.Initializer,
        site.Rows is { } rows ? $"{rows.First}–{rows.End - 1}" : null,
        site.Copy,
        site.Operator,
        Cell.List(site.Nodes),
        site.IsTransposed,
        Cell.List(site.Evidence.Select(tier => tier.Name())),
        site.IsVerified,
        site.Pattern,
    ];
}
