using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports;
using LoraOps.Cli.Reports.Html;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Runtime.Layers;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Sessions;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops validate --candidate MODEL.onnx (--reference MODEL.onnx | --expected FILE)</c></summary>
internal sealed class ValidateCommand : Verb
{
    private readonly Option<string> _candidate = new("--candidate") { Description = "The model to prove.", HelpName = "MODEL.onnx", Required = true };
    private readonly Option<string?> _reference = new("--reference") { Description = "The model it must be near to.", HelpName = "MODEL.onnx" };

    private readonly Option<string[]> _expected = new("--expected")
    {
        Description = "Or what such a model gave: inputs, and each output under its name. With NAME= several times: one for each adapter.",
        HelpName = "[NAME=]FILE",
    };

    private readonly Option<string[]> _adapters = new("--adapter")
    {
        Description = "An .onnx_adapter for the candidate's inputs, or an adapter in its graph by name or number. The base if left out.",
        HelpName = "[NAME=]FILE|NAME|NUMBER",
    };

    private readonly Option<bool> _foreign = new("--allow-foreign")
    {
        Description = "Take an .onnx_adapter that does not say for which model it was made.",
    };

    private readonly Option<string[]> _gates = new("--gate")
    {
        Description = $"A limit such as 'cosine>=0.999', any number of times: {string.Join(", ", Metrics.All.Select(metric => metric.Name))}.",
        HelpName = "GATE",
    };

    private readonly Option<bool> _layers = new("--layers")
    {
        Description = "Hold each layer's weight, input and output against the reference model's; a --report looks at them unasked.",
    };

    private readonly Option<string?> _chip = new("--chip")
    {
        Description = "Hold the candidate against this chip's rules as well, and see which of its kernels run.",
        HelpName = "NAME",
    };

    private readonly SampleOptions _samples = new();
    private readonly SurvivalOptions _survival = new();
    private readonly ReportOptions _reports = new(hasPage: true);
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();

    public ValidateCommand()
        : base("validate", "Measure the distance between a model and its reference, and hold it against gates.")
    {
        foreach (var option in new Option[] { _candidate, _reference, _expected })
            Add(option);

        _samples.AddTo(this);
        foreach (var option in new Option[] { _adapters, _foreign, _chip, _gates })
            Add(option);

        _survival.AddTo(this);
        Add(_layers);
        _reports.AddTo(this);
        Add(_overwrite);
        Validators.Add(result =>
        {
            var references = new[] { result.GetResult(_reference), result.GetResult(_expected) }.Count(given => given is not null);
            if (references != 1)
                result.AddError(references == 0 ? "--reference or --expected is missing" : "--reference and --expected exclude each other");

            if (result.GetResult(_expected) is { Tokens.Count: > 1 } records)
            {
                if (_samples.IsGiven(result))
                    result.AddError("--inputs and --labels go with one --expected; several bring their own");

                if (records.Tokens.Any(token => NamedText.Split(token.Value).Name.Length == 0))
                    result.AddError("several --expected need names: NAME=FILE, as the adapters are called");
            }

            if (result.GetResult(_reference) is not null && !_samples.HasInputs(result))
                result.AddError("--inputs is missing: two models need samples to run on");

            foreach (var error in _samples.Errors(result, result.GetResult(_reference) is not null))
                result.AddError(error);
        });
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var gates = GateTexts.Parse(parsed.GetValue(_gates) ?? []);
        var reports = _reports.Read(parsed, parsed.GetValue(_overwrite));
        var chip = parsed.GetValue(_chip) is { } name ? ChipProfiles.Find(name) : null;
        return screen.WithStages(stages => reports.Around("validate", () =>
        {
            stages.Begin("measuring");
            var report = Measure(parsed, gates, stop);
            var results = GateResult.Judge(_survival.Complete(parsed, gates, report), report);
            var proof = new ParityProof(report, [.. results, .. GateResult.Unset(report, results)]) { Files = ComparedFile.Of(Files(parsed)) };
            if (chip is not null || reports.HasPage)
            {
                stages.Begin("looking at kernels and rules");
                proof = CandidateAudit.Of(proof, chip);
            }

            var checks = proof.Checks;
            reports.Write(checks, () => HtmlReport.Write(proof));
            return new Answer(ParitySheet.Of(proof), proof.Problems) { Checks = checks };
        }));
    }

    private IEnumerable<(string Role, string Path)> Files(ParseResult parsed)
    {
        yield return ("candidate", parsed.GetRequiredValue(_candidate));
        if (parsed.GetValue(_reference) is { } reference)
            yield return ("reference", reference);

        foreach (var expected in parsed.GetValue(_expected) ?? [])
            yield return ("expected", NamedText.Split(expected).Value);

        foreach (var file in _samples.Files(parsed).Concat(_survival.Files(parsed)))
            yield return file;

        foreach (var adapter in parsed.GetValue(_adapters) ?? [])
            yield return ("adapter", NamedText.Split(adapter).Value);
    }

    private ParityReport Measure(ParseResult parsed, IReadOnlyList<Gate> gates, CancellationToken stop)
    {
        using var candidate = OnnxSession.Open(parsed.GetRequiredValue(_candidate));
        var request = new ParityRequest
        {
            Reference = parsed.GetValue(_reference),
            Expected = [.. (parsed.GetValue(_expected) ?? []).Select(NamedText.Split)],
            Adapters = [.. (parsed.GetValue(_adapters) ?? []).Select(NamedText.Split)],
            AllowsForeign = parsed.GetValue(_foreign),
        };
        (request, var labels) = _samples.Read(parsed, _survival.Read(parsed, request, gates));
        using var plan = ParityPlan.Make(candidate, request);
        var report = ParityRun.Measure(candidate, plan.Passes, new ParityOptions { Labels = labels }, stop);
        report = AdapterSurvival.Complete(report, request, stop);
        return parsed.GetValue(_layers) || _reports.HasPage(parsed) ? LayerParity.Complete(report, request, stop) : report;
    }
}
