using System.Diagnostics;
using System.Globalization;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests;

/// <summary>Real processes that are stopped at a bad moment.</summary>
public sealed class InterruptionTests : IDisposable
{
    private static readonly string Model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("reading the adapters")]
    [InlineData("folding the adapters into the weights")]
    [InlineData("writing the model")]
    public void A_killed_run_leaves_a_whole_output_or_none(string stage)
    {
        string[] convert = ["convert", "--model", Model, "--adapter", Fixtures.Path("bev-vit", "adapters", "shanghai"), "-o", _folder["m.onnx"]];

        using (var process = Start(convert))
        {
            WaitFor(process, stage);
            process.Kill();
            process.WaitForExit();
        }

        if (File.Exists(_folder["m.onnx"]))
            Loraops.Run("validate", "--candidate", _folder["m.onnx"], "--expected", Fixtures.Path("bev-vit", "reference", "shanghai.safetensors")).Ended(0);

        // The next run for the same output takes the leavings away.
        Loraops.Run([.. convert, "--overwrite"]).Ended(0);
        Assert.Equal(["m.onnx"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void A_signal_ends_with_130_and_nothing_left(string signal)
    {
        if (OperatingSystem.IsWindows())
            return;

        using var process = Start(
            "quantize", Model, "--chip", "x64-vnni", "--calibration", Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"), "-o", _folder["q.onnx"]);
        WaitFor(process, "calibrating");
        using (var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();

        var rest = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("LORA9002: loraops quantize: was cancelled", rest, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    [Raises(ProblemCode.DiskFull)]
    public void A_full_disk_is_told_as_one()
    {
        // The device that is always full: what the system really throws.
        var failure = OperatingSystem.IsLinux()
            ? Record.Exception(() => File.WriteAllBytes("/dev/full", new byte[1 << 20]))
            : new IOException("There is not enough space on the disk.", unchecked((int)0x80070070));

        var parsed = CommandLine.Root(new SharedOptions(), Terminal.None).Parse(["convert", "-o", "m.onnx"]);
        var problem = Assert.Single(Failures.Explain(failure!, parsed, CancellationToken.None));

        Assert.Equal((ProblemCode.DiskFull, "m.onnx"), (problem.Code, problem.Where));
    }

    private static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "LoraOps.Cli.dll"));
        foreach (var arg in args)
            start.ArgumentList.Add(arg);

        return Process.Start(start)!;
    }

    private static void WaitFor(Process process, string stage)
    {
        while (process.StandardError.ReadLine() is { } line)
        {
            if (line.StartsWith(stage, StringComparison.Ordinal))
                return;
        }

        Assert.Fail($"The process ended before '{stage}'.");
    }
}
