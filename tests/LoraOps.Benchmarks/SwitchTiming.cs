using System.Diagnostics;
using System.Globalization;
using LoraOps.Runtime.Adapters;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LoraOps.Benchmarks;

/// <summary>
/// What switching costs: the time until another adapter is active, how much longer the first run after a switch takes than one
/// without, and how much memory many resident adapters take.
/// </summary>
internal sealed class SwitchTiming(string model, IReadOnlyList<string> files, TextWriter output)
{
    private const int Rounds = 300;
    private const int Switches = 100_000;
    private const int Warmup = 10;
    private const int Residents = 100;
    private static readonly AdapterSettings Settings = new() { TakeForeign = true, CacheBytes = 1L << 40 };
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    public void Run()
    {
        // First, while no memory has been freed that could be used again unseen.
        if (files.Count > 0)
            Memory();

        using var manager = AdapterManager.Open(model, Settings);
        var inputs = Inputs(manager);
        string[] ids = [.. files.Select((file, at) => manager.Load($"adapter {at + 1}", file).Id), .. Graph(manager)];
        foreach (var id in ids)
            manager.Preload(id, inputs);

        Line($"{ids.Length} adapters preloaded, form {manager.Form}, inputs {string.Join(", ", manager.Inputs)}");
        SwitchOnly(manager, ids);
        Alternate(manager, inputs, ids);
    }

    private static IEnumerable<string> Graph(AdapterManager manager) =>
        manager.Form == "switchable" ? manager.Adapters.Select(one => one.Id) : [];

    private void SwitchOnly(AdapterManager manager, string[] ids)
    {
        var next = 0;
        var times = Times(Switches, () => Microseconds(() => manager.Acquire(ids[next++ % ids.Length]).Dispose()));
        Line($"switch, nothing between: {Spread(times)} µs");
    }

    // In turns, so that other work on the machine disturbs all three alike.
    private void Alternate(AdapterManager manager, Dictionary<string, OrtValue> inputs, string[] ids)
    {
        var (next, none, switches, first, second) = (0, new List<double>(), new List<double>(), new List<double>(), new List<double>());
        Times(Rounds, () =>
        {
            none.Add(Microseconds(() => manager.Run(AdapterManager.BaseId, inputs).Dispose()));
            AdapterLease? lease = null;
            switches.Add(Microseconds(() => lease = manager.Acquire(ids[next++ % ids.Length])));
            first.Add(Microseconds(() => lease!.Run(inputs).Dispose()));
            second.Add(Microseconds(() => lease!.Run(inputs).Dispose()));
            lease!.Dispose();
            return 0;
        });
        foreach (var times in new[] { none, switches, first, second })
            times.Sort();

        Line($"switch between runs: {Spread(switches)} µs");
        Line($"run of the base: {Spread(none)} µs");
        Line($"first run after a switch: {Spread(first)} µs, {At(first, 0.5) / At(none, 0.5):F3} of the base");
        Line($"second run: {Spread(second)} µs, {At(second, 0.5) / At(none, 0.5):F3} of the base");
    }

    // Each has its own file: pages of one file would be counted once.
    private void Memory()
    {
        var folder = Directory.CreateTempSubdirectory("loraops-switch-").FullName;
        using (var manager = AdapterManager.Open(model, Settings))
        {
            var inputs = Inputs(manager);
            manager.Load("warm", files[0]);
            for (var i = 0; i < Warmup; i++)
                manager.Run("warm", inputs).Dispose();

            manager.Unload("warm");
            var before = Resident();
            for (var i = 0; i < Residents; i++)
            {
                var copy = Path.Combine(folder, $"{i}.onnx_adapter");
                File.Copy(files[i % files.Count], copy);
                manager.Load($"{i}", copy);
                manager.Preload($"{i}", inputs);
            }

            var (taken, bytes) = (Resident() - before, manager.ResidentBytes);
            Line($"{Residents} adapters resident: {bytes / 1e6:F1} MB of files, {taken / 1e6:F1} MB of memory, {(double)taken / bytes:F2} times");
        }

        Directory.Delete(folder, recursive: true);
    }

    private static long Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line[6..^2], CultureInfo.InvariantCulture);
    }

    // Free dimensions are one; numbers between 0 and 1, and the token 1.
    private static Dictionary<string, OrtValue> Inputs(AdapterManager manager)
    {
        var random = new Random(1);
        return manager.Inputs.ToDictionary(input => input.Name, input =>
        {
            long[] shape = [.. input.Dims.Select(dim => dim.Size ?? 1)];
            var count = shape.Aggregate(1L, (all, dim) => all * dim);
            return input.Type == ElementType.I64
                ? OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, (int)count).ToArray(), shape)
                : OrtValue.CreateTensorValueFromMemory(Enumerable.Range(0, (int)count).Select(_ => random.NextSingle()).ToArray(), shape);
        });
    }

    private static List<double> Times(int rounds, Func<double> once)
    {
        var begin = Stopwatch.GetTimestamp();
        var times = new List<double>();
        for (var i = -Warmup; i < rounds && Stopwatch.GetElapsedTime(begin) < Longest; i++)
        {
            var time = once();
            if (i >= 0)
                times.Add(time);
        }

        times.Sort();
        return times;
    }

    private static double Microseconds(Action work)
    {
        var begin = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
    }

    private static double At(List<double> sorted, double part) => sorted[(int)Math.Min(sorted.Count - 1, part * sorted.Count)];

    private static string Spread(List<double> sorted) =>
        string.Create(CultureInfo.InvariantCulture, $"median {At(sorted, 0.5):F1}, p99 {At(sorted, 0.99):F1}, most {sorted[^1]:F1}");

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
