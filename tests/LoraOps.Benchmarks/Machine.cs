using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace LoraOps.Benchmarks;

/// <summary>What one core of this machine can do at best, measured in the same run as the kernels.</summary>
internal static class Machine
{
    private const int Rounds = 20_000_000;

    /// <summary>Bytes a second that a copy past the caches reads and writes.</summary>
    public static double CopyBytesPerSecond()
    {
        var source = new byte[64 << 20];
        var target = new byte[source.Length];
        return 2.0 * source.Length / BestSeconds(() => source.AsSpan().CopyTo(target));
    }

    /// <summary>Fused multiply-adds a second in registers, each counted as two operations.</summary>
    public static double FusedOperationsPerSecond() =>
        2.0 * 10 * Vector<float>.Count * Rounds / BestSeconds(() => Spin());

    /// <summary>The fastest of several calls: the others were disturbed.</summary>
    public static double BestSeconds(Action work)
    {
        var best = double.MaxValue;
        for (var i = 0; i < 7; i++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    // Ten chains that do not wait for each other keep two units of latency five busy.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector<float> Spin()
    {
        Vector<float> factor = new(0.999f), term = new(0.001f);
        Vector<float> a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
        for (var round = 0; round < Rounds; round++)
        {
            a = Vector.FusedMultiplyAdd(a, factor, term);
            b = Vector.FusedMultiplyAdd(b, factor, term);
            c = Vector.FusedMultiplyAdd(c, factor, term);
            d = Vector.FusedMultiplyAdd(d, factor, term);
            e = Vector.FusedMultiplyAdd(e, factor, term);
            f = Vector.FusedMultiplyAdd(f, factor, term);
            g = Vector.FusedMultiplyAdd(g, factor, term);
            h = Vector.FusedMultiplyAdd(h, factor, term);
            i = Vector.FusedMultiplyAdd(i, factor, term);
            j = Vector.FusedMultiplyAdd(j, factor, term);
        }

        return a + b + c + d + e + f + g + h + i + j;
    }
}
