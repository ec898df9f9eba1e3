using BenchmarkDotNet.Attributes;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Benchmarks;

/// <summary>W ← round(W + C · B) for rows of a language model's layer, in blocks as a merge does it.</summary>
public class FusedUpdateBenchmarks
{
    /// <summary>The rows of the block.</summary>
    public const int Rows = 512;

    /// <summary>The columns of W.</summary>
    public const int Columns = 4096;

    private readonly ushort[] _codes = new ushort[Rows * Columns];
    private readonly float[] _floats = new float[Rows * Columns];
    private float[] _coefficients = [];
    private PackedBasis? _basis;

    [Params(8, 16, 64, 256)]
    public int Rank { get; set; }

    [Params(ElementType.BF16, ElementType.F32)]
    public ElementType Type { get; set; } = ElementType.BF16;

    /// <summary>Multiplications and additions of one call.</summary>
    public double Operations => 2.0 * Rows * Columns * Rank;

    /// <summary>The bytes that one call reads and writes.</summary>
    public double Traffic => 2.0 * Rows * Columns * Type.Bits() / 8;

    [GlobalSetup]
    public void Setup()
    {
        _coefficients = [.. Enumerable.Range(0, Rows * Rank).Select(i => 1e-3f * MathF.Sin(i))];
        _basis = new PackedBasis([.. Enumerable.Range(0, Rank * Columns).Select(i => 1e-3f * MathF.Cos(i))], Rank);
        _codes.AsSpan().Fill(0x3C3C);
    }

    [Benchmark]
    public bool Apply() => Type == ElementType.BF16
        ? FusedUpdate.Apply(_codes, _coefficients, _basis!)
        : FusedUpdate.Apply(_floats, _coefficients, _basis!);

    [GlobalCleanup]
    public void Release() => _basis?.Release();
}
