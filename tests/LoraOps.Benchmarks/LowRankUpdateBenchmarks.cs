using BenchmarkDotNet.Attributes;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Benchmarks;

/// <summary>W += s · B·A for a square layer of a language model.</summary>
public class LowRankUpdateBenchmarks
{
    /// <summary>The rows and columns of W.</summary>
    public const int Side = 2048;

    private readonly float[] _weight = new float[Side * Side];
    private float[] _b = [];
    private float[] _a = [];

    [Params(8, 16, 64)]
    public int Rank { get; set; }

    /// <summary>Multiplications and additions of one call.</summary>
    public double Operations => 2.0 * Side * Side * (Rank + 1);

    [GlobalSetup]
    public void Setup()
    {
        _b = [.. Enumerable.Range(0, Side * Rank).Select(i => MathF.Sin(i))];
        _a = [.. Enumerable.Range(0, Side * Rank).Select(i => MathF.Cos(i))];
    }

    [Benchmark]
    public void Add() => LowRankUpdate.Add(_weight, _b, _a, Rank, 1e-6f);
}
