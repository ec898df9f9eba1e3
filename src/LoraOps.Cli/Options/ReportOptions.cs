using System.CommandLine;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>The files that what was checked can be written to.</summary>
/// <param name="hasPage">True if the command has a page for people, too.</param>
internal sealed class ReportOptions(bool hasPage)
{
    private readonly Option<string?> _page = new("--report") { Description = "Write a page for people; it needs no network.", HelpName = "OUT.html" };
    private readonly Option<string?> _junit = new("--junit") { Description = "Write JUnit XML: a test case per gate and rule.", HelpName = "FILE" };
    private readonly Option<string?> _sarif = new("--sarif")
    {
        Description = "Write SARIF 2.1.0: a result per missed gate and broken rule.",
        HelpName = "FILE",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in All())
            command.Add(option);
    }

    /// <summary>True if a page for people is wanted.</summary>
    public bool HasPage(ParseResult parsed) => hasPage && parsed.GetValue(_page) is not null;

    /// <summary>Where to write, checked before any work is done.</summary>
    /// <exception cref="LoraOpsException">A file is there already, or two reports go to one file.</exception>
    public ReportPlaces Read(ParseResult parsed, bool overwrite)
    {
        var paths = All().Select(parsed.GetValue).OfType<string>().ToArray();
        var problems = paths.Select(path => StagedOutput.Obstacle(path, overwrite)).OfType<Problem>().ToList();
        if (paths.DistinctBy(Path.GetFullPath).Count() < paths.Length)
            problems.Add(CommandProblems.UsageWrong(CommandLine.FullName(parsed), "two reports have the same file"));

        return problems.Count == 0
            ? new ReportPlaces(hasPage ? parsed.GetValue(_page) : null, parsed.GetValue(_junit), parsed.GetValue(_sarif), overwrite)
            : throw new LoraOpsException(problems);
    }

    private IEnumerable<Option<string?>> All() => hasPage ? [_page, _junit, _sarif] : [_junit, _sarif];

    /// <summary>The files that were asked for.</summary>
    internal sealed class ReportPlaces(string? page, string? junit, string? sarif, bool overwrite)
    {
        /// <summary>Somebody will read a page.</summary>
        public bool HasPage => page is not null;

        /// <summary>Writes each file whole or not at all.</summary>
        /// <param name="checks">What was checked.</param>
        /// <param name="render">Renders the page.</param>
        public void Write(CheckList checks, Func<string>? render = null)
        {
            if (render is not null)
                Write(page, render);

            Write(junit, () => JUnitReport.Write(checks));
            Write(sarif, () => SarifReport.Write(checks));
        }

        /// <summary>Does the work; what keeps it from being done stands in the files for machines as well.</summary>
        /// <param name="command">The command's name.</param>
        /// <param name="work">Writes the files itself if it can be done.</param>
        /// <exception cref="LoraOpsException">What the work threw.</exception>
        public Answer Around(string command, Func<Answer> work)
        {
            try
            {
                return work();
            }
            catch (LoraOpsException wrong)
            {
                Write(ProblemChecks.Of(command, wrong.Problems));
                throw;
            }
        }

        private void Write(string? path, Func<string> text)
        {
            if (path is null)
                return;

            using var file = StagedOutput.ForFile(path, overwrite);
            File.WriteAllText(file.Path, text());
            file.Commit();
        }
    }
}
