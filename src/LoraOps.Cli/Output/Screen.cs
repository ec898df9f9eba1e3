using LoraOps.Cli.Reports.BuildServers;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Problems;
using Spectre.Console;

namespace LoraOps.Cli.Output;

/// <summary>What the user wants to see, and how.</summary>
/// <param name="Json">One document on standard output instead of text.</param>
/// <param name="Quiet">No progress and no warnings.</param>
/// <param name="Verbose">Details, and the stack of an internal error.</param>
/// <param name="Color">auto, always or never.</param>
internal sealed record Taste(bool Json, bool Quiet, bool Verbose, string Color);

/// <summary>The two streams of one run: the answer goes to the first, everything else to the second.</summary>
internal sealed class Screen(TextWriter output, TextWriter error, Terminal terminal, Taste taste)
{
    /// <summary>What the user wants to see.</summary>
    public Taste Taste { get; } = taste;

    /// <summary>Runs work that reports its stages: bars on a terminal, a line each elsewhere, nothing with -q.</summary>
    public T WithStages<T>(Func<Stages, T> work)
    {
        if (Taste.Quiet)
            return work(new Stages(null, null));

        if (!terminal.ErrorIsScreen)
            return work(new Stages(null, error));

        return Console(error, terminal.ErrorIsScreen).Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn(),
                new RemainingTimeColumn())
            .Start(context => work(new Stages(context, null)));
    }

    /// <summary>Prints a command's answer.</summary>
    public void Print(string command, Answer answer)
    {
        if (Taste.Json)
            output.Write(JsonText.Of(command, answer));
        else if (terminal.OutputIsScreen || Taste.Color == "always")
            ScreenText.Write(Console(output, terminal.OutputIsScreen), answer.Sheet, Taste.Verbose);
        else
            output.Write(PlainText.Of(answer.Sheet, Taste.Verbose));

        output.Flush();
        PrintProblems(answer.Problems);
        TellBuildServer(answer.Checks ?? ProblemChecks.Of(command, answer.Problems), answer.Sheet);
    }

    /// <summary>Prints the version alone, as scripts expect it.</summary>
    public void PrintVersion(string version)
    {
        if (Taste.Json)
            Print("version", new Answer(new Sheet().Add("version", version)));
        else
            output.WriteLine(version);
    }

    /// <summary>Prints what went wrong with a command that has no answer.</summary>
    public void PrintFailure(string command, IReadOnlyList<Problem> problems)
    {
        if (Taste.Json)
        {
            output.Write(JsonText.Of(command, new Sheet(), problems[0].Code.ExitCode(), problems));
            output.Flush();
        }

        PrintProblems(problems);
        TellBuildServer(ProblemChecks.Of(command, problems), new Sheet());
    }

    /// <summary>Prints a warning; with -q nothing.</summary>
    public void Warn(string text)
    {
        if (!Taste.Quiet)
            error.WriteLine($"{Paint("warning:", "33")} {PlainText.Printable(text)}");
    }

    /// <summary>Prints what only -v asks for.</summary>
    public void Detail(string text)
    {
        if (Taste.Verbose)
            error.WriteLine(text);
    }

    private void TellBuildServer(CheckList list, Sheet sheet)
    {
        if (terminal.Build is { } server && list.Suites.Count > 0)
            BuildLog.Tell(server, error, list, sheet);
    }

    private void PrintProblems(IReadOnlyList<Problem> problems)
    {
        foreach (var problem in problems)
        {
            var text = problem.ToString();
            error.WriteLine(Paint(problem.Id, "1;31") + text[problem.Id.Length..]);
        }
    }

    private string Paint(string text, string style) => HasColor(terminal.ErrorIsScreen) ? $"\u001b[{style}m{text}\u001b[0m" : text;

    private bool HasColor(bool isScreen) => Taste.Color switch
    {
        "always" => true,
        "never" => false,
        _ => isScreen && terminal.WantsColor,
    };

    private IAnsiConsole Console(TextWriter writer, bool isScreen)
    {
        var hasColor = HasColor(isScreen);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = hasColor ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = hasColor ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = isScreen ? InteractionSupport.Yes : InteractionSupport.No,
        });
        console.Profile.Width = terminal.Width;
        return console;
    }
}
