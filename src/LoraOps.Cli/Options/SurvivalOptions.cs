using System.CommandLine;
using System.CommandLine.Parsing;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Cli.Options;

/// <summary>The models without the adapter: what it changes is told from them.</summary>
internal sealed class SurvivalOptions
{
    private readonly Option<string?> _base = new("--base")
    {
        Description = "The float model without the adapter: measures whether the adapter survived, and sets gates for it where none were set.",
        HelpName = "BASE.onnx",
    };

    private readonly Option<string?> _baseCandidate = new("--base-candidate")
    {
        Description = "The same, quantized as the candidate was; forms that hold their base need none.",
        HelpName = "BASE.onnx",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_base);
        command.Add(_baseCandidate);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_baseCandidate) is not null && result.GetResult(_base) is null)
                result.AddError("--base-candidate goes with --base");
        });
    }

    /// <summary>The files, and what each is.</summary>
    public IEnumerable<(string Role, string Path)> Files(ParseResult parsed) =>
        new[] { ("base", parsed.GetValue(_base)), ("base candidate", parsed.GetValue(_baseCandidate)) }
            .Where(file => file.Item2 is not null).Select(file => (file.Item1, file.Item2 ?? ""));

    /// <summary>The given gates; where there is a base also those that nobody needs to set.</summary>
    public IReadOnlyList<Gate> Complete(ParseResult parsed, IReadOnlyList<Gate> gates, ParityReport report) =>
        parsed.GetValue(_base) is null ? gates : SurvivalGates.Complete(gates, report);

    /// <summary>The request with them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="request">What else is wanted.</param>
    /// <param name="gates">A gate on the effect asks for it to be measured.</param>
    public ParityRequest Read(ParseResult parsed, ParityRequest request, IReadOnlyList<Gate> gates) => request with
    {
        Base = parsed.GetValue(_base),
        BaseCandidate = parsed.GetValue(_baseCandidate),
        MeasuresEffect = gates.Any(gate => gate.Metric is Metrics.EffectCosine or Metrics.EffectRatio),
    };
}
