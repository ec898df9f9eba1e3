using System.Text.Json;
using LoraOps.Cli.Output;

namespace LoraOps.Cli.Tests;

/// <summary>One finished run of the command inside the test's process.</summary>
internal sealed record Loraops(int Exit, string Output, string Error)
{
    /// <summary>Runs with both streams redirected.</summary>
    public static Loraops Run(params string[] args) => RunOn(Terminal.None, default, args);

    /// <summary>Runs on a terminal that is not there.</summary>
    public static Loraops RunOn(Terminal terminal, CancellationToken stop, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = CommandLine.Run(args, output, error, terminal, stop);
        return new Loraops(exit, output.ToString(), error.ToString());
    }

    /// <summary>Runs with --json and reads the document.</summary>
    public static JsonElement RunJson(params string[] args) => Run([.. args, "--json"]).Json;

    /// <summary>Standard output as the one JSON document that it must be.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>Fails with what the command said unless it ended so.</summary>
    public Loraops Ended(int exit)
    {
        Assert.True(Exit == exit, $"exit {Exit} instead of {exit}\n{Output}\n{Error}");
        return this;
    }
}
