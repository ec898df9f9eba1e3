using System.CommandLine;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Cli.Options;

/// <summary>Which layers leave the chip's cheapest precision: those that the user names, and those that gates need.</summary>
internal sealed class PrecisionOptions
{
    private const string None = "none";

    private readonly Option<string[]> _until = new("--until")
    {
        Description = "A gate such as 'cosine>=0.995', any number of times: the fewest layers are lifted to a higher precision until it passes. "
            + "Without it the chip's profile says what is reached; 'none' takes the model as it comes.",
        HelpName = "GATE",
    };

    private readonly Option<string?> _evaluation = new("--evaluation")
    {
        Description = "What the gates are measured on, with labels for accuracy; the calibration data if left out.",
        HelpName = "DATA",
    };

    private readonly Option<string?> _labels = new("--labels")
    {
        Description = "A file with a tensor 'labels'; the one among the evaluation data if left out.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _scan = new("--scan") { Description = "Rank every layer by what it alone does to the outputs." };

    private readonly Option<string[]> _lift = new("--lift")
    {
        Description = $"A node and what it is computed in ({string.Join(", ", PrecisionNames.Known)}), any number of times.",
        HelpName = "NODE=PRECISION",
    };

    /// <summary>True if the user wants no layer to be lifted but those that are named.</summary>
    public bool TakesAsItComes(ParseResult parsed) => parsed.GetValue(_until)?.Contains(None) == true;

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _until, _evaluation, _labels, _scan, _lift })
            command.Add(option);

        command.Validators.Add(result =>
        {
            foreach (var option in new Option[] { _evaluation, _labels })
            {
                if (result.GetResult(option) is not null && result.GetResult(_until) is null && result.GetResult(_scan) is null)
                    result.AddError($"{option.Name} goes with --until or --scan");
            }
        });
    }

    /// <summary>What the user named.</summary>
    /// <exception cref="LoraOpsException">A text has another form, or names no precision; all are told.</exception>
    public IReadOnlyDictionary<string, LayerPrecision> Lifted(ParseResult parsed)
    {
        var lifted = new Dictionary<string, LayerPrecision>(StringComparer.Ordinal);
        var problems = new List<Problem>();
        foreach (var text in parsed.GetValue(_lift) ?? [])
        {
            // A node's name may hold an equals sign, a precision does not.
            var at = text.LastIndexOf('=');
            if (at > 0 && PrecisionNames.Find(text[(at + 1)..]) is { } precision)
                lifted[text[..at]] = precision;
            else
                problems.Add(CommandProblems.UsageWrong(
                    CommandLine.FullName(parsed), $"--lift '{text}' is not NODE={string.Join('|', PrecisionNames.Known)}"));
        }

        return problems.Count == 0 ? lifted : throw new LoraOpsException(problems);
    }

    /// <summary>What the model must reach, or null.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="calibration">What is taken where the user gives no other data.</param>
    /// <exception cref="LoraOpsException">A gate or a file is wrong.</exception>
    public PrecisionGoal? Goal(ParseResult parsed, SampleSet? calibration)
    {
        var gates = GateTexts.Parse((parsed.GetValue(_until) ?? []).Where(text => text != None));
        if (gates.Count == 0 && !parsed.GetValue(_scan))
            return null;

        var samples = parsed.GetValue(_evaluation) is { } data ? SampleSet.Open(data) : calibration;
        return new PrecisionGoal(gates, samples ?? throw new LoraOpsException(CommandProblems.UsageWrong(
            CommandLine.FullName(parsed), "--evaluation is missing: gates need samples to be measured on")))
        {
            Labels = parsed.GetValue(_labels) is { } file ? SampleSet.Open(file) : null,
            RanksAll = parsed.GetValue(_scan),
        };
    }
}
