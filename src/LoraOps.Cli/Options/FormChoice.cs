using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Branches;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;

namespace LoraOps.Cli.Options;

/// <summary><c>--form</c> and what only one of the forms understands.</summary>
internal sealed class FormChoice
{
    /// <summary>The form without branches.</summary>
    public const string Merged = "merged";

    private readonly Option<string> _form = new Option<string>("--form")
    {
        Description = "merged: the adapters are folded into the weights. inputs: the model is the base, each adapter a small file that a run "
            + "activates. switchable: all adapters are in the model, each sample chooses its own.",
        DefaultValueFactory = _ => Merged,
    }.Among(Merged, InputsForm.Name, SwitchableForm.Name);

    private readonly Option<string> _dialect = new Option<string>("--dialect")
    {
        Description = "inputs: how the inputs are called; see 'loraops rename'.",
        DefaultValueFactory = _ => NameDialects.Canonical.Name,
    }.Among([.. NameDialects.All.Select(dialect => dialect.Name)]);

    private readonly Option<string> _branch = new Option<string>("--branch")
    {
        Description = "inputs: skip a layer's branch while no adapter uses it (an If), run it always, or whichever pays.",
        DefaultValueFactory = _ => "auto",
    }.Among("auto", "always", "skip");

    private readonly Option<string> _layout = new Option<string>("--layout")
    {
        Description = "inputs: the bytes of the .onnx_adapter files: data last and aligned, or as ONNX Runtime's own writer makes them.",
        DefaultValueFactory = _ => "streaming",
    }.Among("streaming", "runtime");

    private readonly Option<bool> _blend = new("--blend")
    {
        Description = "switchable: the input is 'adapter_weights' [batch, adapters] and mixes; without it 'adapter' [batch] chooses one, 0 for none.",
    };

    private readonly Option<string?> _batch = new("--batch")
    {
        Description = "switchable: the samples, and the positions (tokens) of each, to expect where the model leaves them free; 8x64 if left out.",
        HelpName = "SAMPLESxPOSITIONS",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _form, _dialect, _branch, _layout, _blend, _batch })
            command.Add(option);

        command.Validators.Add(result =>
        {
            Refuse(result, InputsForm.Name, _dialect, _branch, _layout);
            Refuse(result, SwitchableForm.Name, _blend, _batch);
            if (result.GetResult(_batch) is { Tokens: [var shape, ..] } && Batch(shape.Value) is null)
                result.AddError($"--batch '{shape.Value}' is no SAMPLESxPOSITIONS such as 8x197");
        });
    }

    /// <summary>The form that was asked for.</summary>
    public string Form(ParseResult parsed) => parsed.GetValue(_form) ?? Merged;

    /// <summary>The bytes of the adapter files.</summary>
    public OnnxAdapterLayout Layout(ParseResult parsed) =>
        parsed.GetValue(_layout) == "runtime" ? OnnxAdapterLayout.Runtime : OnnxAdapterLayout.Streaming;

    /// <summary>Converts into the form that was asked for.</summary>
    /// <exception cref="Problems.LoraOpsException">The adapters cannot be put there.</exception>
    public Conversion Convert(ParseResult parsed, OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options)
    {
        var (samples, positions) = Batch(parsed.GetValue(_batch) ?? "") ?? (8, 64);
        var form = new FormOptions
        {
            Dialect = NameDialects.Find(parsed.GetValue(_dialect)!)!,
            Branch = parsed.GetValue(_branch) switch { "always" => BranchRule.Always, "skip" => BranchRule.Skip, _ => BranchRule.Auto },
            Blends = parsed.GetValue(_blend),
            Samples = samples,
            Positions = positions,
        };
        return Form(parsed) switch
        {
            InputsForm.Name => InputsForm.Convert(model, adapters, options, form),
            SwitchableForm.Name => SwitchableForm.Convert(model, adapters, options, form),
            _ => MergedForm.Convert(model, adapters, options),
        };
    }

    private void Refuse(CommandResult result, string form, params Option[] options)
    {
        var given = result.GetResult(_form) is { Implicit: false, Tokens: [var token, ..] } ? token.Value : Merged;
        foreach (var option in options.Where(option => given != form && result.GetResult(option) is { Implicit: false }))
            result.AddError($"{option.Name} is for --form {form}, not {given}");
    }

    private static (long Samples, long Positions)? Batch(string text) =>
        text.Split('x') is [var samples, var positions]
        && int.TryParse(samples, NumberStyles.None, CultureInfo.InvariantCulture, out var batch) && batch > 0
        && int.TryParse(positions, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length > 0
            ? (batch, length)
            : null;
}
