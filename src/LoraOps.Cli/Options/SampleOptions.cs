using System.CommandLine;
using System.CommandLine.Parsing;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Options;

/// <summary>What a model is proven on: samples, or several domains of them, and their labels.</summary>
internal sealed class SampleOptions
{
    private readonly Option<string[]> _inputs = new("--inputs")
    {
        Description = "Samples under the names of the model's inputs; those of --expected if left out. With NAME= several times: one for each domain.",
        HelpName = "[NAME=]DATA",
    };

    private readonly Option<string[]> _labels = new("--labels")
    {
        Description = "A file with a tensor 'labels'; the one among the inputs if left out. With NAME= for a domain.",
        HelpName = "[NAME=]FILE",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_inputs);
        command.Add(_labels);
    }

    /// <summary>The files, and what each is.</summary>
    public IEnumerable<(string Role, string Path)> Files(ParseResult parsed) =>
        (parsed.GetValue(_inputs) ?? []).Select(text => ("inputs", NamedText.Split(text).Value))
        .Concat((parsed.GetValue(_labels) ?? []).Select(text => ("labels", NamedText.Split(text).Value)));

    /// <summary>True if either was given.</summary>
    public bool IsGiven(CommandResult result) => result.GetResult(_inputs) is not null || result.GetResult(_labels) is not null;

    /// <summary>True if there are samples.</summary>
    public bool HasInputs(CommandResult result) => result.GetResult(_inputs) is not null;

    /// <summary>What is wrong with them, in words.</summary>
    public IEnumerable<string> Errors(CommandResult result, bool hasModel)
    {
        var inputs = Named(result.GetResult(_inputs));
        var labels = Named(result.GetResult(_labels));
        var names = inputs.Select(input => input.Name).ToList();
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count || (names.Count > 1 && names.Contains("")))
            yield return "several --inputs need names of their own: NAME=DATA";

        if (!hasModel && names.Any(name => name.Length > 0))
            yield return "named --inputs go with --reference; with --expected name that";

        if (labels.Count > 1 && labels.DistinctBy(label => label.Name).Count() < labels.Count)
            yield return "several --labels need names of their own: NAME=FILE";

        foreach (var label in labels.Where(label => !names.Contains(label.Name) && (label.Name.Length > 0 || names.Any(name => name.Length > 0))))
            yield return $"--labels '{label.Value}' belong to no --inputs: name them as the domain is called";
    }

    /// <summary>Opens them; the labels of samples without a name are given back.</summary>
    /// <exception cref="LoraOps.Problems.LoraOpsException">A file is wrong.</exception>
    public (ParityRequest Request, SampleSet? Labels) Read(ParseResult parsed, ParityRequest request)
    {
        var inputs = (parsed.GetValue(_inputs) ?? []).Select(NamedText.Split).ToList();
        var labels = (parsed.GetValue(_labels) ?? []).Select(NamedText.Split).ToList();
        if (!inputs.Any(input => input.Name.Length > 0))
        {
            return (request with { Inputs = inputs.Count == 0 ? null : SampleSet.Open(inputs[0].Value) },
                labels.Count == 0 ? null : SampleSet.Open(labels[0].Value));
        }

        return (request with
        {
            Domains = [.. inputs.Select(input => new NamedSamples(input.Name, SampleSet.Open(input.Value), LabelsOf(input.Name)))],
        }, null);

        SampleSet? LabelsOf(string name) => labels.Where(label => label.Name == name).Select(label => SampleSet.Open(label.Value)).FirstOrDefault();
    }

    private static List<NamedValue> Named(OptionResult? result) => [.. (result?.Tokens ?? []).Select(token => NamedText.Split(token.Value))];
}
