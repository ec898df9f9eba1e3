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
        ["module", "parameter", "method", "rank", "change", "initializer", "copy", "operator", "nodes", "transposed", "evidence", "verified"];

    private readonly Option<string> _model = new("--model") { Description = "The base model.", HelpName = "BASE.onnx", Required = true };
    private readonly AdapterOptions _adapters = new();

    private readonly Option<string> _form = new Option<string>("--form")
    {
        Description = "merged: the adapters are folded into the weights.",
        DefaultValueFactory = _ => "merged",
    }.Among("merged", "inputs", "switchable");

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

    private readonly Option<string> _dialect = new Option<string>("--dialect")
    {
        Description = "How the form inputs names its inputs.",
        DefaultValueFactory = _ => "canonical",
        Hidden = true,
    }.Among("canonical", "olive-dynamo", "genai-builder");

    private readonly Option<bool> _blend = new("--blend") { Description = "Weigh the adapters of the form switchable.", Hidden = true };
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public ConvertCommand()
        : base("convert", "Put adapters into an ONNX model.")
    {
        Add(_model);
        _adapters.AddTo(this);
        foreach (var option in new Option[] { _form, _output, _base, _map, _explain, _dialect, _blend, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        RefuseUnavailable(parsed);
        var source = parsed.GetRequiredValue(_model);
        var inputs = new[] { source, parsed.GetValue(_base), parsed.GetValue(_map) }.OfType<string>();
        var place = OutputPlace.Checked(
            parsed.GetRequiredValue(_output), parsed.GetValue(_overwrite), inputs.Concat(_adapters.Folders(parsed)));
        return screen.WithStages(stages =>
        {
            stages.Begin("reading the adapters");
            var adapters = _adapters.Read(parsed);
            stages.Begin("reading the model");
            var model = OnnxModel.Load(source);
            stop.ThrowIfCancellationRequested();
            stages.Begin("folding the adapters into the weights");
            var conversion = Convert(parsed, model, adapters);
            stop.ThrowIfCancellationRequested();
            if (!parsed.GetValue(_dryRun))
            {
                stages.Begin("writing the model");
                place.Write(conversion.Model);
            }

            return new Answer(Describe(parsed, conversion, adapters, place));
        });
    }

    private void RefuseUnavailable(ParseResult parsed)
    {
        var name = CommandLine.FullName(parsed);
        var problems = new List<Problem>();
        if (parsed.GetValue(_form) is var form && form != "merged")
            problems.Add(CommandProblems.NotAvailable(name, $"form '{form}'", "merged"));

        if (parsed.GetResult(_dialect) is { Implicit: false })
            problems.Add(CommandProblems.NotAvailable(name, "--dialect", "the form merged, which needs none"));

        if (parsed.GetValue(_blend))
            problems.Add(CommandProblems.NotAvailable(name, "--blend", "the form merged with --weights"));

        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }

    private Conversion Convert(ParseResult parsed, OnnxModel model, IReadOnlyList<WeightedAdapter> adapters)
    {
        using var weights = parsed.GetValue(_base) is { } path ? Checkpoint.Open(path) : null;
        var map = parsed.GetValue(_map) is { } file ? ModuleMap.Load(file) : ModuleMap.Empty;
        return MergedForm.Convert(model, adapters, new MappingOptions { Base = weights, Map = map });
    }

    private Sheet Describe(ParseResult parsed, Conversion conversion, IReadOnlyList<WeightedAdapter> adapters, OutputPlace place)
    {
        var isDryRun = parsed.GetValue(_dryRun);
        return new Sheet()
            .Add("output", place.Model)
            .Add("written", !isDryRun)
            .Add("bytes", isDryRun ? Cell.None : Cell.Bytes(place.Bytes()))
            .Add("form", "merged")
            .Add("adapters", Cell.List(adapters.Select(adapter => adapter.Adapter.Name)))
            .Add("changed", conversion.Sites.Count)
            .Add("verified", conversion.Sites.Count(site => site.IsVerified))
            .AddGrid("sites", Columns, conversion.Sites.Select(Row), detail: !parsed.GetValue(_explain))
            .AddNotes("warnings", conversion.Warnings);
    }

    private static Cell[] Row(Site site) =>
    [
        site.Module.Value,
        site.Parameter,
        site.Method,
        site.Rank,
        site.RelativeChange,
        site.Initializer,
        site.Copy,
        site.Operator,
        Cell.List(site.Nodes),
        site.IsTransposed,
        Cell.List(site.Evidence.Select(tier => tier.Name())),
        site.IsVerified,
    ];
}
