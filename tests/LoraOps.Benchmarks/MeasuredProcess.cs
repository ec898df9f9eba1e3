using System.Diagnostics;
using System.Globalization;

namespace LoraOps.Benchmarks;

/// <summary>A finished process: what it wrote, how long it took and the most resident memory that it had.</summary>
internal sealed record MeasuredProcess(string Output, double Seconds, long PeakBytes)
{
    /// <summary>Runs a command to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static MeasuredProcess Run(string file, params IReadOnlyList<string> arguments)
    {
        var begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true })!;
        var text = "";
        var reading = new Thread(() => text = process.StandardOutput.ReadToEnd());
        reading.Start();
        var peak = 0L;
        while (!process.WaitForExit(4))
            peak = Math.Max(peak, PeakResident(process.Id));

        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        reading.Join();
        return process.ExitCode == 0
            ? new MeasuredProcess(text, seconds, peak)
            : throw new InvalidOperationException($"{file} ended with {process.ExitCode}.");
    }

    private static long PeakResident(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line[6..^2], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It ended between two looks.
            return 0;
        }
    }
}
