using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops validate --candidate MODEL.onnx (--reference MODEL.onnx | --expected FILE)</c></summary>
internal sealed class ValidateCommand : Verb
{
    private readonly Option<string> _candidate = new("--candidate") { Description = "The model to prove.", HelpName = "MODEL.onnx", Required = true };
    private readonly Option<string?> _reference = new("--reference") { Description = "The model it must be near to.", HelpName = "MODEL.onnx" };

    private readonly Option<string?> _expected = new("--expected")
    {
        Description = "Or what such a model gave: inputs, and each output under its name.",
        HelpName = "FILE",
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

    private readonly Option<string?> _adapter = new("--adapter") { Description = "An .onnx_adapter for the candidate.", HelpName = "FILE", Hidden = true };

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
        foreach (var option in new Option[] { _candidate, _reference, _expected, _inputs, _labels, _adapter, _gates })
            Add(option);

        _reports.AddTo(this);
        Add(_overwrite);
        Validators.Add(result =>
        {
            var references = new[] { result.GetResult(_reference), result.GetResult(_expected) }.Count(given => given is not null);
            if (references != 1)
                result.AddError(references == 0 ? "--reference or --expected is missing" : "--reference and --expected exclude each other");

            if (result.GetResult(_reference) is not null && result.GetResult(_inputs) is null)
                result.AddError("--inputs is missing: two models need samples to run on");
        });
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(_adapter) is not null)
            throw new LoraOpsException(CommandProblems.NotAvailable(CommandLine.FullName(parsed), "--adapter", "models with merged adapters"));

        var gates = Gates(parsed);
        var reports = _reports.Read(parsed, parsed.GetValue(_overwrite));
        return screen.WithStages(stages =>
        {
            stages.Begin("measuring");
            var report = Measure(parsed, stop);
            var results = GateResult.Judge(gates, report);
            var problems = results.Select(result => result.Problem(report.Candidate)).OfType<Problem>().ToArray();
            reports.Write(report, results);
            return new Answer(ParitySheet.Of(report, results), problems);
        });
    }

    // All wrong gates at once.
    private List<Gate> Gates(ParseResult parsed)
    {
        var gates = new List<Gate>();
        var problems = new List<Problem>();
        foreach (var text in parsed.GetValue(_gates) ?? [])
        {
            try
            {
                gates.Add(Gate.Parse(text));
            }
            catch (LoraOpsException wrong)
            {
                problems.AddRange(wrong.Problems);
            }
        }

        return problems.Count == 0 ? gates : throw new LoraOpsException(problems);
    }

    private ParityReport Measure(ParseResult parsed, CancellationToken stop)
    {
        var record = parsed.GetValue(_expected) is { } expected ? SampleSet.Open(expected) : null;
        var inputs = parsed.GetValue(_inputs) is { } data ? SampleSet.Open(data) : record;
        var labels = parsed.GetValue(_labels) is { } file ? SampleSet.Open(file) : null;
        using var reference = record is null
            ? ParityReference.FromModel(parsed.GetValue(_reference) ?? "")
            : ParityReference.FromRecord(record);
        return ParityRun.Measure(
            parsed.GetRequiredValue(_candidate),
            reference,
            inputs ?? throw new InvalidOperationException("The validator demanded inputs."),
            new ParityOptions { Labels = labels },
            stop);
    }
}
