using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Sessions;

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

    private readonly Option<string?> _inputs = new("--inputs")
    {
        Description = "Samples under the names of the model's inputs; those of --expected if left out.",
        HelpName = "DATA",
    };

    private readonly Option<string?> _labels = new("--labels")
    {
        Description = "A file with a tensor 'labels'; the one among the inputs if left out.",
        HelpName = "FILE",
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

    private readonly ReportOptions _reports = new();
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();

    public ValidateCommand()
        : base("validate", "Measure the distance between a model and its reference, and hold it against gates.")
    {
        foreach (var option in new Option[] { _candidate, _reference, _expected, _inputs, _labels, _adapters, _foreign, _gates })
            Add(option);

        _reports.AddTo(this);
        Add(_overwrite);
        Validators.Add(result =>
        {
            var references = new[] { result.GetResult(_reference), result.GetResult(_expected) }.Count(given => given is not null);
            if (references != 1)
                result.AddError(references == 0 ? "--reference or --expected is missing" : "--reference and --expected exclude each other");

            if (result.GetResult(_expected) is { Tokens.Count: > 1 } records)
            {
                if (result.GetResult(_inputs) is not null || result.GetResult(_labels) is not null)
                    result.AddError("--inputs and --labels go with one --expected; several bring their own");

                if (records.Tokens.Any(token => NamedText.Split(token.Value).Name.Length == 0))
                    result.AddError("several --expected need names: NAME=FILE, as the adapters are called");
            }

            if (result.GetResult(_reference) is not null && result.GetResult(_inputs) is null)
                result.AddError("--inputs is missing: two models need samples to run on");
        });
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var gates = GateTexts.Parse(parsed.GetValue(_gates) ?? []);
        var reports = _reports.Read(parsed, parsed.GetValue(_overwrite));
        return screen.WithStages(stages =>
        {
            stages.Begin("measuring");
            var report = Measure(parsed, stop);
            var results = GateResult.Judge(gates, report);
            results = [.. results, .. GateResult.Unset(report, results)];
            var problems = results.Select(result => result.Problem(report.Candidate)).OfType<Problem>().ToArray();
            reports.Write(report, results);
            return new Answer(ParitySheet.Of(report, results), problems);
        });
    }

    private ParityReport Measure(ParseResult parsed, CancellationToken stop)
    {
        using var candidate = OnnxSession.Open(parsed.GetRequiredValue(_candidate));
        var request = new ParityRequest
        {
            Reference = parsed.GetValue(_reference),
            Expected = [.. (parsed.GetValue(_expected) ?? []).Select(NamedText.Split)],
            Inputs = parsed.GetValue(_inputs) is { } data ? SampleSet.Open(data) : null,
            Adapters = [.. (parsed.GetValue(_adapters) ?? []).Select(NamedText.Split)],
            AllowsForeign = parsed.GetValue(_foreign),
        };
        var labels = parsed.GetValue(_labels) is { } file ? SampleSet.Open(file) : null;
        using var plan = ParityPlan.Make(candidate, request);
        return ParityRun.Measure(candidate, plan.Passes, new ParityOptions { Labels = labels }, stop);
    }
}
