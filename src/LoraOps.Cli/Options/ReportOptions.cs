using System.CommandLine;
using LoraOps.Cli.Reports;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>The files that a parity report can be written to.</summary>
internal sealed class ReportOptions
{
    private readonly (Option<string?> Option, ReportWriter Writer)[] _formats =
    [
        (new("--report") { Description = "Write a page for people.", HelpName = "OUT.html" }, HtmlReport.Write),
        (new("--junit") { Description = "Write JUnit XML: a test case per gate.", HelpName = "FILE" }, JUnitReport.Write),
        (new("--sarif") { Description = "Write SARIF 2.1.0: a result per missed gate.", HelpName = "FILE" }, SarifReport.Write),
    ];

    /// <summary>Renders a report.</summary>
    public delegate string ReportWriter(ParityReport report, IReadOnlyList<GateResult> results);

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var (option, _) in _formats)
            command.Add(option);
    }

    /// <summary>True if a page for people is wanted.</summary>
    public bool HasPage(ParseResult parsed) => parsed.GetValue(_formats[0].Option) is not null;

    /// <summary>Where to write, checked before any work is done.</summary>
    /// <exception cref="LoraOpsException">A file is there already, or two reports go to one file.</exception>
    public ReportPlaces Read(ParseResult parsed, bool overwrite)
    {
        var places = _formats.Select(format => (Path: parsed.GetValue(format.Option), format.Writer))
            .Where(place => place.Path is not null)
            .Select(place => (Path: place.Path ?? "", place.Writer))
            .ToArray();
        var problems = places.Select(place => StagedOutput.Obstacle(place.Path, overwrite)).OfType<Problem>().ToList();
        if (places.DistinctBy(place => Path.GetFullPath(place.Path)).Count() < places.Length)
            problems.Add(CommandProblems.UsageWrong(CommandLine.FullName(parsed), "two reports have the same file"));

        return problems.Count == 0 ? new ReportPlaces(places, overwrite) : throw new LoraOpsException(problems);
    }

    /// <summary>The files that were asked for.</summary>
    internal sealed class ReportPlaces((string Path, ReportWriter Writer)[] places, bool overwrite)
    {
        /// <summary>Writes each file whole or not at all.</summary>
        public void Write(ParityReport report, IReadOnlyList<GateResult> results)
        {
            foreach (var (path, writer) in places)
            {
                using var file = StagedOutput.ForFile(path, overwrite);
                File.WriteAllText(file.Path, writer(report, results));
                file.Commit();
            }
        }
    }
}
