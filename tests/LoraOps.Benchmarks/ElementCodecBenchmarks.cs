using BenchmarkDotNet.Attributes;
using LoraOps.Tensors;

namespace LoraOps.Benchmarks;

/// <summary>Decoding and encoding of stored elements; the ruler is a plain copy of the float32 side.</summary>
public class ElementCodecBenchmarks
{
    /// <summary>The elements of one call: 64 MiB of float32, past every cache.</summary>
    public const int Count = 1 << 24;

    private readonly float[] _values = [.. Enumerable.Range(0, Count).Select(i => MathF.Sin(i))];
    private readonly float[] _decoded = new float[Count];
    private byte[] _bytes = [];

    /// <summary>The stored type.</summary>
    [Params(ElementType.F32, ElementType.F16, ElementType.BF16)]
    public ElementType Type { get; set; }

    /// <summary>What one call reads and writes, in bytes.</summary>
    public long Traffic => Count * (long)(sizeof(float) + (Type.Bits() / 8));

    [GlobalSetup]
    public void Setup()
    {
        _bytes = new byte[(long)Count * Type.Bits() / 8];
        Encode();
    }

    [Benchmark]
    public void Encode() => ElementCodec.Encode(Type, _values, _bytes);

    [Benchmark]
    public void Decode() => ElementCodec.Decode(Type, _bytes, _decoded);

    [Benchmark(Baseline = true)]
    public void Copy() => _values.AsSpan().CopyTo(_decoded);
}
