using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops quantize MODEL.onnx --chip NAME --calibration DATA -o DIR|FILE</c></summary>
internal sealed class QuantizeCommand : Verb
{
    private readonly Argument<string> _model = new("MODEL.onnx") { Description = "The float model." };

    private readonly Option<string> _chip = new("--chip")
    {
        Description = "The chip, or a profile of your own (.json); 'loraops chips' lists them.",
        HelpName = "NAME",
        Required = true,
    };

    private readonly Option<string?> _calibration = new("--calibration")
    {
        Description = "Samples of what the model will see: .safetensors with a leading sample axis, or a folder of .npy.",
        HelpName = "DATA",
    };

    private readonly Option<string> _scheme = new Option<string>("--scheme")
    {
        Description = "static: the ranges of activations are fixed by calibration.",
        DefaultValueFactory = _ => "static",
    }.Among("static", "dynamic", "weights");

    private readonly Option<string> _calibrator = new Option<string>("--calibrator")
    {
        Description = "minmax: a range holds every value that was seen.",
        DefaultValueFactory = _ => "minmax",
    }.Among("minmax", "entropy", "percentile", "mse");

    private readonly PrecisionOptions _precisions = new();
    private readonly Option<string> _output = OutputPlace.Option();
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public QuantizeCommand()
        : base("quantize", "Turn a float ONNX model into INT8 for a chip.")
    {
        Add(_model);
        foreach (var option in new Option[] { _chip, _calibration, _scheme, _calibrator })
            Add(option);

        _precisions.AddTo(this);
        foreach (var option in new Option[] { _output, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var calibration = Calibration(parsed);
        var chip = ChipProfiles.Find(parsed.GetRequiredValue(_chip));
        var source = parsed.GetRequiredValue(_model);
        var place = OutputPlace.Checked(parsed.GetRequiredValue(_output), parsed.GetValue(_overwrite), source, calibration);
        return screen.WithStages(stages =>
        {
            var data = SampleSet.Open(calibration);
            var request = new QuantizationRequest
            {
                Chip = chip,
                Calibration = data,
                Precisions = _precisions.Lifted(parsed),
                Goal = _precisions.Goal(parsed, data),
            };
            var outcome = QuantizationRun.Run(OnnxModel.Load(source), request, stages.Shown, stop);
            if (parsed.GetValue(_dryRun))
                return new Answer(Describe(outcome, chip, place, data).Add("written", false));

            stages.Begin("writing the model");
            place.Write(outcome.Quantization.Model);
            var sizes = Describe(outcome, chip, place, data).Add("written", true);
            return new Answer(AddSizes(sizes, source, place));
        });
    }

    private string Calibration(ParseResult parsed)
    {
        var name = CommandLine.FullName(parsed);
        var problems = new List<Problem>();
        if (parsed.GetValue(_scheme) is var scheme && scheme != "static")
            problems.Add(CommandProblems.NotAvailable(name, $"--scheme '{scheme}'", "static"));

        if (parsed.GetValue(_calibrator) is var calibrator && calibrator != "minmax")
            problems.Add(CommandProblems.NotAvailable(name, $"--calibrator '{calibrator}'", "minmax"));

        var calibration = parsed.GetValue(_calibration);
        if (problems.Count == 0 && calibration is null)
            problems.Add(CommandProblems.UsageWrong(name, "--calibration is missing: the scheme static needs samples"));

        return problems.Count == 0 && calibration is not null ? calibration : throw new LoraOpsException(problems);
    }

    private static Sheet AddSizes(Sheet sheet, string source, OutputPlace place)
    {
        var before = new[] { source, source + ".data" }.Where(File.Exists).Sum(file => new FileInfo(file).Length);
        return sheet.Add("bytes before", Cell.Bytes(before))
            .Add("bytes", Cell.Bytes(place.Bytes()))
            .Add("size ratio", Cell.Share((double)place.Bytes() / before));
    }

    private static Sheet Describe(QuantizationOutcome outcome, ChipProfile chip, OutputPlace place, SampleSet data) =>
        QuantizationSheet.Of(outcome, new Sheet()
            .Add("output", place.Model)
            .Add("chip", chip.Name)
            .Add("scheme", "static")
            .Add("calibrator", "minmax")
            .Add("samples", data.Count));
}
