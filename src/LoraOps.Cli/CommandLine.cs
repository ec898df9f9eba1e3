using System.CommandLine;
using System.CommandLine.Help;
using System.Reflection;
using LoraOps.Cli.Commands;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Problems;

namespace LoraOps.Cli;

/// <summary>The <c>loraops</c> command: parses, runs one verb, prints its answer or its problems.</summary>
public static class CommandLine
{
    /// <summary>Runs one command line; never throws.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="output">Standard output: the answer only.</param>
    /// <param name="error">Standard error: everything else.</param>
    /// <param name="terminal">What the two are connected to; null for files or pipes.</param>
    /// <param name="stop">Cancels the work and removes what it wrote so far.</param>
    /// <returns>The exit status (<see cref="ExitCode"/>).</returns>
    public static int Run(
        IReadOnlyList<string> args, TextWriter output, TextWriter error, Terminal? terminal = null, CancellationToken stop = default)
    {
        terminal ??= Terminal.None;
        var shared = new SharedOptions();
        var parsed = Root(shared, terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var screen = new Screen(output, error, terminal, shared.Read(parsed));
        try
        {
            if (parsed.Action is HelpAction)
                return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null });

            return (int)Run(parsed, screen, stop);
        }
        catch (Exception failure) when (Failures.Explain(failure, parsed, stop) is { } problems)
        {
            screen.PrintFailure(NameOf(parsed), problems);
            if (problems[0].Code == ProblemCode.InternalError)
                screen.Detail(failure.ToString());

            return (int)problems[0].Code.ExitCode();
        }
        finally
        {
            output.Flush();
        }
    }

    /// <summary>The command with its parents, for example <c>loraops bundle create</c>.</summary>
    internal static string FullName(ParseResult parsed) => $"loraops {NameOf(parsed)}".TrimEnd();

    /// <summary>Every command, with its options.</summary>
    internal static Command Root(SharedOptions shared, Terminal terminal)
    {
        // A RootCommand would be called what the process is called: dotnet, testhost, LoraOps.Cli.
        var root = new Command("loraops", "Takes a LoRA adapter off the training bench and puts it on the chip, with a proof.")
        {
            new InspectCommand(),
            new MergeCommand(),
            new MixCommand(),
            new ExtractCommand(),
            new ResizeCommand(),
            new NormalizeCommand(),
            new ConvertCommand(),
            new RenameCommand(),
            new QuantizeCommand(),
            new ValidateCommand(),
            new BundleCommand(),
            new ChipsCommand(),
            new RunCommand(),
        };
        shared.AddTo(root);
        root.Add(new HelpOption { Action = new HelpAction { MaxWidth = terminal.Width } });
        var version = new VersionOption();

        // It allows no company by itself, not even --json.
        version.Validators.Clear();
        root.Add(version);
        return root;
    }

    private static ExitCode Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (UsageErrors.Of(parsed) is { Count: > 0 } wrong)
            throw new LoraOpsException(wrong);

        if (parsed.CommandResult.Command is not Verb verb)
        {
            screen.PrintVersion(Version);
            return ExitCode.Done;
        }

        stop.ThrowIfCancellationRequested();
        var answer = verb.Run(parsed, screen, stop);
        screen.Print(NameOf(parsed), answer);
        return answer.Exit;
    }

    internal static string Version =>
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private static string NameOf(ParseResult parsed)
    {
        var names = new List<string>();
        for (var at = parsed.CommandResult; at?.Parent is not null; at = at.Parent as System.CommandLine.Parsing.CommandResult)
            names.Insert(0, at.Command.Name);

        return string.Join(' ', names);
    }
}
