using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
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

    private readonly SchemeOptions _schemes = new();
    private readonly CalibrationOptions _calibrating = new();
    private readonly RecoveryOptions _recovery = new();
    private readonly PrecisionOptions _precisions = new();
    private readonly Option<string> _output = OutputPlace.Option();
    private readonly Option<bool> _noHandOff = QuantizedFiles.Option();
    private readonly ReportOptions _reports = new(hasPage: false);
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public QuantizeCommand()
        : base("quantize", "Turn a float ONNX model into INT8 for a chip.")
    {
        Add(_model);
        Add(_chip);
        _schemes.AddTo(this);
        _calibrating.AddTo(this);
        _recovery.AddTo(this);
        _precisions.AddTo(this);
        foreach (var option in new Option[] { _output, _noHandOff, _overwrite, _dryRun })
            Add(option);

        _reports.AddTo(this);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        Check(parsed);
        var calibration = _calibrating.Data(parsed);
        var chip = ChipProfiles.Find(parsed.GetRequiredValue(_chip));
        var source = parsed.GetRequiredValue(_model);
        var place = OutputPlace.Checked(parsed.GetRequiredValue(_output), parsed.GetValue(_overwrite), source, calibration ?? source);
        var files = QuantizedFiles.Checked(place, parsed.GetValue(_overwrite), parsed.GetValue(_noHandOff) ? null : chip);
        var plan = _calibrating.Plan(parsed, chip, parsed.GetValue(_overwrite));
        var reports = _reports.Read(parsed, parsed.GetValue(_overwrite));
        return screen.WithStages(stages => reports.Around("quantize", () =>
        {
            var data = calibration is null ? null : SampleSet.Open(calibration);
            var request = new QuantizationRequest
            {
                Chip = chip,
                Calibration = data,
                Adapters = _calibrating.Adapters(parsed),
                Calibrating = plan,
                Recovery = _recovery.Read(parsed),
                Scheme = _schemes.Scheme(parsed),
                Weights = _schemes.Settings(parsed),
                Precisions = _precisions.Lifted(parsed),
                Goal = _precisions.Goal(parsed, data),
                TakesAsItComes = _precisions.TakesAsItComes(parsed),
                HandsOff = files.Beside.Count > 0,
            };
            var outcome = QuantizationRun.Run(OnnxModel.Load(source), request, stages.Shown, stop);
            if (parsed.GetValue(_dryRun))
                return Told(reports, place, Audit(outcome, chip, null), files.Describe(Describe(outcome, request, place).Add("written", false), []));

            stages.Begin("writing the model");
            var handOff = files.Write(outcome, request);
            _calibrating.Save(parsed, outcome, plan, data, parsed.GetValue(_overwrite));
            outcome = outcome.With(handOff);
            var sizes = Describe(outcome, request, place).Add("written", true);
            var folder = files.Beside.Count > 0 ? Path.GetDirectoryName(Path.GetFullPath(place.Model)) : null;
            return Told(reports, place, Audit(outcome, chip, folder), files.Describe(AddSizes(sizes, source, place), handOff.Commands));
        }));
    }

    private static Answer Told(ReportOptions.ReportPlaces reports, OutputPlace place, ChipAudit audit, Sheet sheet)
    {
        var checks = ChipChecks.List("quantize", place.Model, audit);
        reports.Write(checks);
        return new Answer(sheet) { Checks = checks };
    }

    private void Check(ParseResult parsed)
    {
        if (_schemes.Scheme(parsed) == QuantizationScheme.Static && !_calibrating.IsGiven(parsed))
            throw new LoraOpsException(CommandProblems.UsageWrong(
                CommandLine.FullName(parsed), "--calibration is missing: the scheme static needs samples"));
    }

    private static ChipAudit Audit(QuantizationOutcome outcome, ChipProfile chip, string? handOff) => new(
        chip,
        outcome.Quantization.Findings,
        ChipRules.NotChecked(
            outcome.Quantization.Model, chip, new RuleEvidence { Float = outcome.Prepared, Ranges = outcome.Ranges, HandOffFolder = handOff }));

    private static Sheet AddSizes(Sheet sheet, string source, OutputPlace place)
    {
        var before = new[] { source, source + ".data" }.Where(File.Exists).Sum(file => new FileInfo(file).Length);
        return sheet.Add("bytes before", Cell.Bytes(before))
            .Add("bytes", Cell.Bytes(place.Bytes()))
            .Add("size ratio", Cell.Share((double)place.Bytes() / before));
    }

    private static Sheet Describe(QuantizationOutcome outcome, QuantizationRequest request, OutputPlace place)
    {
        var sheet = new Sheet()
            .Add("output", place.Model)
            .Add("chip", request.Chip.Name)
            .Add("scheme", request.SchemeName);
        return QuantizationSheet.Of(outcome, outcome.Calibrated is { } ranges ? CalibrationSheet.Of(sheet, request.Calibrating, ranges) : sheet);
    }
}
