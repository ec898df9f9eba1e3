using System.Globalization;
using LoraOps.Mixing;

namespace LoraOps.Benchmarks;

/// <summary>The algebra of mixes on one thread, each step beside what the machine can do at best.</summary>
internal sealed class MixTable(TextWriter output)
{
    private const int Size = 4096;
    private readonly double _peak = Machine.FusedOperationsPerSecond() / 2;

    public static void Print(TextWriter output) => new MixTable(output).Run();

    private void Run()
    {
        Line($"fused multiply-add of float64 in registers, half of float32: {_peak / 1e9:F1} GFLOP/s");
        foreach (var rank in new[] { 16, 32, 64, 128, 256 })
            Sum(rank);
    }

    private void Sum(int rank)
    {
        var sum = Product(1, Size, Size, rank);
        var seconds = Machine.BestSeconds(() => Truncation.Of(sum, new RankRule(Math.Min(rank, 16))));
        // Two Gram matrices and two tall factors; the small matrices in between come on top.
        var floor = ((2.0 * Size * rank * rank) + (4.0 * Size * rank * 16)) / _peak;
        Line($"sum-svd {Size}x{Size}, {rank} -> {Math.Min(rank, 16)}: {seconds * 1e3:F2} ms; the multiplications alone at peak {floor * 1e3:F2} ms");
    }

    private static LowRank Product(int seed, int rows, int columns, int rank)
    {
        var random = new Random(seed);
        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (double)(float)((random.NextDouble() * 2) - 1))];
        return new LowRank(Values(rows * rank), Values(rank * columns), rank, (rows, columns));
    }

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
