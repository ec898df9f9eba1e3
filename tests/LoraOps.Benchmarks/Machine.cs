using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
        return 2.0 * source.Length / BestCpuSeconds(() => source.AsSpan().CopyTo(target));
    }

    /// <summary>Fused multiply-adds a second in registers of the widest kind, each counted as two operations.</summary>
    public static double FusedOperationsPerSecond()
    {
        var lanes = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;
        return 2.0 * 10 * lanes * Rounds / BestCpuSeconds(() => _ = Vector512.IsHardwareAccelerated ? SpinWide()[0] : Spin()[0]);
    }

    /// <summary>The fastest of several calls: the others were disturbed.</summary>
    public static double BestSeconds(Action work)
    {
        var best = double.MaxValue;
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < 7 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.7; i++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <summary>The least processor time of several calls of something that one thread does: other work on the machine counts little.</summary>
    public static double BestCpuSeconds(Action work)
    {
        var best = double.MaxValue;
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < 7 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.7; i++)
        {
            var start = Environment.CpuUsage.TotalTime;
            work();
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalSeconds);
        }

        return best;
    }

    // Ten chains that do not wait for each other keep two units of latency five busy.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Spin()
    {
        Vector256<float> factor = Vector256.Create(0.999f), term = Vector256.Create(0.001f);
        Vector256<float> a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
        for (var round = 0; round < Rounds; round++)
        {
            a = Vector256.FusedMultiplyAdd(a, factor, term);
            b = Vector256.FusedMultiplyAdd(b, factor, term);
            c = Vector256.FusedMultiplyAdd(c, factor, term);
            d = Vector256.FusedMultiplyAdd(d, factor, term);
            e = Vector256.FusedMultiplyAdd(e, factor, term);
            f = Vector256.FusedMultiplyAdd(f, factor, term);
            g = Vector256.FusedMultiplyAdd(g, factor, term);
            h = Vector256.FusedMultiplyAdd(h, factor, term);
            i = Vector256.FusedMultiplyAdd(i, factor, term);
            j = Vector256.FusedMultiplyAdd(j, factor, term);
        }

        return a + b + c + d + e + f + g + h + i + j;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> SpinWide()
    {
        Vector512<float> factor = Vector512.Create(0.999f), term = Vector512.Create(0.001f);
        Vector512<float> a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
        for (var round = 0; round < Rounds; round++)
        {
            a = Vector512.FusedMultiplyAdd(a, factor, term);
            b = Vector512.FusedMultiplyAdd(b, factor, term);
            c = Vector512.FusedMultiplyAdd(c, factor, term);
            d = Vector512.FusedMultiplyAdd(d, factor, term);
            e = Vector512.FusedMultiplyAdd(e, factor, term);
            f = Vector512.FusedMultiplyAdd(f, factor, term);
            g = Vector512.FusedMultiplyAdd(g, factor, term);
            h = Vector512.FusedMultiplyAdd(h, factor, term);
            i = Vector512.FusedMultiplyAdd(i, factor, term);
            j = Vector512.FusedMultiplyAdd(j, factor, term);
        }

        return a + b + c + d + e + f + g + h + i + j;
    }
}
