using System.Diagnostics;
using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Mixing;

namespace LoraOps.Benchmarks;

/// <summary>Times the element-wise ways to mix on one module, one thread, beside what the machine can do at best.</summary>
/// <param name="output">Receives the table.</param>
internal sealed class ElementsTiming(TextWriter output)
{
    private const int Rank = 16;
    private const int Adapters = 4;

    /// <summary>Prints milliseconds of processor time a module for a square module of a size.</summary>
    public void Run(int size)
    {
        var module = Module(size);
        var settings = new MixSettings { Density = 0.5 };
        var (copy, fused) = (Machine.CopyBytesPerSecond(), Machine.FusedOperationsPerSecond() / 2);
        Print($"{Adapters} adapters of rank {Rank} on {size} x {size}, one thread, processor time, float64");
        Print($"copy {copy / 1e9:0.0} GB/s, fused {fused / 1e9:0.0} GFLOP/s");

        var tile = new double[module.Shares[0].Delta.TileRows * size];
        var once = Machine.BestCpuSeconds(() => Read(module.Shares[0].Delta, tile));
        var (bytes, operations) = (8.0 * size * size, 2.0 * Rank * size * size);
        Print($"one delta worked out: {1e3 * once:0.0} ms, {bytes / once / 1e9:0.0} GB/s, {operations / once / 1e9:0.0} GFLOP/s");
        Print($"floor: {1e3 * Adapters * bytes / copy * 2:0} ms to copy {Adapters} deltas of this module once");
        Print($"");
        Print($"| method | cut or sums, ms | reading, ms | module, ms | of it making deltas, ms | tiles, GB | tiles, GB/s | times the copy |");
        Print($"|---|---|---|---|---|---|---|---|");
        (string Name, int Passes)[] methods =
            [("ties", 2), ("magnitude-prune", 2), ("breadcrumbs-ties", 3), ("dare-linear", 1), ("dare-ties", 1), ("della", 1)];
        foreach (var (name, passes) in methods)
        {
            var method = MixMethods.Find(name)!;
            var mixed = method.Mix(module, settings);
            var prepare = Machine.BestCpuSeconds(() => mixed = method.Mix(module, settings));
            var reading = Machine.BestCpuSeconds(() => Read(mixed, tile));
            var (total, made) = (prepare + reading, passes * Adapters * once);
            var (tiles, times) = (passes * Adapters * bytes / 1e9, total * copy / (passes * Adapters * bytes * 2));
            Print($"| {name} | {1e3 * prepare:0} | {1e3 * reading:0} | {1e3 * total:0} | {1e3 * made:0} | {tiles:0.00} | {tiles / total:0.0} | {times:0.0} |");
        }

        using var process = Process.GetCurrentProcess();
        Print($"\npeak memory: {process.PeakWorkingSet64 / 1e6:0} MB, of which the table's own copy buffers 134 MB");
    }

    private static void Read(DeltaMatrix delta, double[] tile)
    {
        for (var row = 0; row < delta.Rows; row += delta.TileRows)
            delta.Read(row, tile.AsSpan(0, Math.Min(delta.TileRows, delta.Rows - row) * delta.Columns));
    }

    private static MixModule Module(int size)
    {
        var random = new Random(7);
        var shares = Enumerable.Range(0, Adapters)
            .Select(position => new LowRank(Gaussians(random, size), Gaussians(random, size), Rank, (size, size), 2))
            .Select((delta, position) => new MixShare(position, 0.25 + (0.1 * position), delta))
            .ToList();
        return new MixModule(new ModuleName("model.layers.0.self_attn.q_proj"), shares, [.. shares.Select(share => share.Weight)]);
    }

    private static double[] Gaussians(Random random, int size)
    {
        var values = new double[size * Rank];
        for (var at = 0; at < values.Length; at++)
            values[at] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

        return values;
    }

    private void Print(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
