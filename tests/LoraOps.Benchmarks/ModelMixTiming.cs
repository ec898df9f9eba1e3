using System.Diagnostics;
using System.Globalization;

namespace LoraOps.Benchmarks;

/// <summary>
/// <c>loraops mix</c> of four adapters of rank 16 on every linear layer of a 32-layer, 4096-wide model: wall time and peak memory
/// of the whole command, beside reading the adapters' files and writing as many bytes as the result has.
/// </summary>
internal sealed class ModelMixTiming(string folder, string command, TextWriter output)
{
    private const int Blocks = 32;
    private const int Rank = 16;
    private const int Adapters = 4;

    private const int Hidden = 4096;
    private const int Intermediate = 11008;

    private static IReadOnlyList<(string Module, int Outputs, int Inputs)> Layers { get; } =
    [
        ("self_attn.q_proj", Hidden, Hidden), ("self_attn.k_proj", Hidden, Hidden), ("self_attn.v_proj", Hidden, Hidden),
        ("self_attn.o_proj", Hidden, Hidden), ("mlp.gate_proj", Intermediate, Hidden), ("mlp.up_proj", Intermediate, Hidden),
        ("mlp.down_proj", Hidden, Intermediate),
    ];

    private string Mixed => Path.Combine(folder, "mixed");

    /// <summary>Makes the adapters and measures.</summary>
    /// <param name="methods">The methods with their options, as the command takes them.</param>
    /// <param name="rounds">How often each is done; the median counts.</param>
    public void Run(IReadOnlyList<string> methods, int rounds)
    {
        var adapters = Enumerable.Range(1, Adapters).Select(seed => Path.Combine(folder, $"adapter-{seed}")).ToList();
        for (var seed = 1; seed <= Adapters; seed++)
        {
            if (!Directory.Exists(adapters[seed - 1]))
                BenchmarkAdapter.Write(adapters[seed - 1], "lora", (Blocks, Layers), Rank, seed);
        }

        var bytes = adapters.Sum(Bytes);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Adapters} adapters, {Blocks * Layers.Count} modules, {bytes / 1e9:F2} GB, {rounds} rounds, medians"));
        Print("reading the files", rounds, () => adapters.Max(Read), bytes);
        foreach (var method in methods)
        {
            string[] arguments = ["mix", .. adapters.SelectMany(adapter => new[] { "--adapter", adapter }), "--weights", "0.4,0.3,0.2,0.1"];
            Print(method, rounds, () => MeasuredProcess.Run(command, [.. arguments, .. $"--method {method}".Split(' '), "-o", Mixed, "-q"]).PeakBytes, bytes);
        }
    }

    private void Print(string name, int rounds, Func<long> run, long read)
    {
        var (times, peak) = (new List<double>(), 0L);
        for (var round = 0; round < rounds; round++)
        {
            if (Directory.Exists(Mixed))
                Directory.Delete(Mixed, recursive: true);

            var begin = Stopwatch.GetTimestamp();
            peak = Math.Max(peak, run());
            times.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        var median = times.Order().ElementAt(rounds / 2);
        var written = Directory.Exists(Mixed) ? Bytes(Mixed) : 0;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-40} {median,7:F2} s  {(read + written) / median / 1e9,5:F2} GB/s  {peak / 1e6,5:F0} MB  {written / 1e9:F2} GB written"));
    }

    private static long Read(string adapter) => MeasuredProcess.Run("dd", [$"if={Weights(adapter)}", "of=/dev/null", "bs=4M", "status=none"]).PeakBytes;

    private static string Weights(string adapter) => Path.Combine(adapter, "adapter_model.safetensors");

    private static long Bytes(string adapter) => new FileInfo(Weights(adapter)).Length;
}
