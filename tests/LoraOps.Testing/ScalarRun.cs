using System.Diagnostics;
using System.Reflection;

namespace LoraOps.Testing;

/// <summary>
/// Runs the tests marked <c>[Trait("Category", "Kernels")]</c> once more, in a process whose vector instructions are off:
/// a result must not depend on the processor. The test that calls this must not carry the mark itself.
/// </summary>
public static class ScalarRun
{
    /// <summary>The mark of the tests that are run again.</summary>
    public const string Category = "Kernels";

    private const string Switch = "DOTNET_EnableHWIntrinsic";

    /// <summary>True in the process whose vector instructions are off.</summary>
    public static bool IsOn => Environment.GetEnvironmentVariable(Switch) == "0";

    /// <summary>Runs the marked tests of an assembly again.</summary>
    /// <returns>What the runner printed, and whether at least one test ran and all passed.</returns>
    public static (bool Passed, string Output) Of(Assembly tests)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("vstest");
        start.ArgumentList.Add(tests.Location);
        start.ArgumentList.Add($"--TestCaseFilter:Category={Category}");
        start.Environment[Switch] = "0";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";

        // The outer run's collectors must not follow into the inner one.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("VSTEST_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
        process.WaitForExit();
        // A filter that matches nothing also exits 0, but prints no summary.
        return (process.ExitCode == 0 && output.Contains("Passed!", StringComparison.Ordinal), output);
    }
}
