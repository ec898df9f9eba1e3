using System.Diagnostics;
using System.Globalization;
using LoraOps.Mixing;
using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Benchmarks;

/// <summary>The algebra of mixes on one thread, each step beside what the machine can do at best.</summary>
internal sealed class MixTable(TextWriter output)
{
    private const int Size = 4096;
    private const int Kept = 16;
    private readonly double _peak = Machine.FusedOperationsPerSecond() / 2;

    public static void Print(TextWriter output) => new MixTable(output).Run();

    private void Run()
    {
        Line($"fused multiply-add of float64 in registers, half of float32: {_peak / 1e9:F1} GFLOP/s");
        foreach (var rank in new[] { 16, 64, 128, 256 })
            Sum(rank);

        Optimum();
        Dense(384);
        Read();
        Large();
    }

    private void Sum(int rank)
    {
        var sum = Product(1, Size, Size, rank);
        var (cpu, best) = Time(() => Truncation.Of(sum, new RankRule(Kept)));
        // Two Gram matrices and two tall factors; the small matrices in between come on top.
        var tall = (2.0 * Size * rank * rank) + (4.0 * Size * rank * Kept);
        Line($"sum-svd {Size}x{Size}, {rank} -> {Kept}: CPU {cpu * 1e3:F1} ms, fastest {best * 1e3:F1} ms");
        Line($"  its tall products: {tall / best / 1e9:F1} GFLOP/s over all; at peak they take {tall / _peak * 1e3:F2} ms");
    }

    // The distance of the factors from the sum, as the norm of a product, beside the discarded singular values.
    private void Optimum()
    {
        var sum = Product(1, Size, Size, 4 * Kept);
        var (cut, all) = (Truncation.Of(sum, new RankRule(Kept)), ThinSvd.Of(sum));
        var best = Math.Sqrt(all.Sigma.Skip(Kept).Sum(sigma => sigma * sigma));
        var difference = new CatMix().Mix(new MixModule(new("m"), [new MixShare(0, 1, sum), new MixShare(1, -1, cut.Factors)], [1, -1]), new MixSettings());
        var found = Math.Sqrt(Truncation.Of(difference, RankRule.Exact).Energy);
        Line($"  its error is {cut.Error:P2} of the sum, {(found / best) - 1:E1} above the best possible");
    }

    private void Dense(int size)
    {
        var sum = Product(1, size, size, 4 * Kept);
        var (_, thin) = Time(() => Truncation.Of(sum, new RankRule(Kept)));
        var (_, dense) = Time(() => Matrix<double>.Build.Dense(size, size, sum.ToArray()).Svd());
        Line($"  at {size}x{size}: {thin * 1e3:F2} ms, as a dense matrix {dense * 1e3:F0} ms (MathNet), {dense / thin:F0} times");
    }

    private void Read()
    {
        foreach (var rank in new[] { 16, 64 })
        {
            var product = Product(2, Size, Size, rank);
            var tile = new double[product.TileRows * Size];
            var (_, best) = Time(() =>
            {
                for (var row = 0; row < Size; row += product.TileRows)
                    product.Read(row, tile);
            });
            var rate = 2.0 * rank * Size * Size / best;
            Line($"a delta worked out in tiles, rank {rank}: {best * 1e3:F1} ms, {rate / 1e9:F1} GFLOP/s ({rate / _peak:P0} of peak)");
        }
    }

    // Singular values 1/√j of 256 directions that are known.
    private void Large()
    {
        var basis = ThinSvd.Of(Product(3, Size, Size, 256));
        double[] sigma = [.. Enumerable.Range(1, basis.Rank).Select(at => 1 / Math.Sqrt(at))];
        var scaled = basis.U.Select((value, at) => value * sigma[at % basis.Rank]).ToArray();
        var matrix = FloatMatrix.Of(new LowRank(scaled, basis.V, basis.Rank, (Size, Size)));
        var best = Math.Sqrt(sigma.Skip(Kept).Sum(value => value * value) / sigma.Sum(value => value * value));
        Truncated? cut = null;
        var (cpu, fastest) = Time(() => cut = Truncation.Of(matrix, new RankRule(Kept)));
        // Two products of 32 directions a step; three steps at least.
        var floor = 6 * 2.0 * Size * Size * 32 / _peak;
        Line($"dense {Size}x{Size} -> {Kept}: CPU {cpu * 1e3:F0} ms, fastest {fastest * 1e3:F0} ms; six products at peak {floor * 1e3:F0} ms");
        Line($"  its error is {cut!.Error:P3} of the matrix, {(cut.Error / best) - 1:E1} above the best possible");
    }

    // CPU time of the process a run, on the average, and the fastest by the clock.
    private static (double Cpu, double Best) Time(Action work)
    {
        using var process = Process.GetCurrentProcess();
        work();
        var (runs, best) = (0, Machine.BestSeconds(work));
        process.Refresh();
        var before = process.TotalProcessorTime;
        var begin = Stopwatch.GetTimestamp();
        for (; runs < 5 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.5; runs++)
            work();

        process.Refresh();
        return ((process.TotalProcessorTime - before).TotalSeconds / runs, best);
    }

    private static LowRank Product(int seed, int rows, int columns, int rank)
    {
        var random = new Random(seed);
        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (double)(float)((random.NextDouble() * 2) - 1))];
        return new LowRank(Values(rows * rank), Values(rank * columns), rank, (rows, columns));
    }

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
