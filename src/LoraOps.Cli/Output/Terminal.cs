using LoraOps.Cli.Reports.BuildServers;

namespace LoraOps.Cli.Output;

/// <summary>What the two output streams are connected to.</summary>
/// <param name="OutputIsScreen">Standard output is a terminal that people look at.</param>
/// <param name="ErrorIsScreen">Standard error is one.</param>
/// <param name="Width">Columns of the terminal.</param>
/// <param name="WantsColor">The environment does not ask for plain text (https://no-color.org).</param>
public sealed record Terminal(bool OutputIsScreen, bool ErrorIsScreen, int Width, bool WantsColor)
{
    private const int UsualWidth = 100;
    private const int NarrowestWidth = 40;

    /// <summary>The build server that reads standard error; null if there is none that understands more than text.</summary>
    public BuildServer? Build { get; init; }

    /// <summary>Both streams go to files or pipes.</summary>
    public static Terminal None { get; } = new(false, false, UsualWidth, false);

    /// <summary>Asks this process's console and environment.</summary>
    public static Terminal Detect()
    {
        var isDumb = Environment.GetEnvironmentVariable("TERM") == "dumb";
        var output = !Console.IsOutputRedirected && !isDumb;
        var error = !Console.IsErrorRedirected && !isDumb;
        var isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var seen = output || error ? new Terminal(output, error, ConsoleWidth(), !isPlain) : None;
        return seen with { Build = BuildServer.Detect(Environment.GetEnvironmentVariable) };
    }

    private static int ConsoleWidth()
    {
        try
        {
            return Console.WindowWidth > 0 ? Math.Max(NarrowestWidth, Console.WindowWidth) : UsualWidth;
        }
        catch (IOException)
        {
            return UsualWidth;
        }
    }
}
