using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Readers.Samples;

public sealed class InterleavingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Samples_of_several_sets_come_in_turn()
    {
        var mixed = Interleaving.Of([Set("a", 3, 0), Set("b", 1, 100), Set("c", 2, 200)]);

        Assert.Equal([0, 1, 2, 0, 2, 0], mixed.Sources);
        Assert.Equal([0, 1, 100, 101, 200, 201, 2, 3, 202, 203, 4, 5], mixed.Samples.Find("x")!.ToFloats());
        Assert.Equal(6, mixed.Samples.Count);

        // Any part of the bytes, whichever rows it touches.
        var all = mixed.Samples.Find("x")!.ToBytes();
        for (var at = 0; at < all.Length; at++)
        {
            var part = new byte[Math.Min(11, all.Length - at)];
            mixed.Samples.Find("x")!.ReadBytes(at, part);
            Assert.Equal(all.AsSpan(at, part.Length).ToArray(), part);
        }
    }

    [Fact]
    public void Rows_of_other_shapes_are_refused()
    {
        SafetensorsWriter.Write(_folder["w"], [BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(2, 3), new float[6])]);

        var refused = Assert.Throws<LoraOpsException>(() => Interleaving.Of([Set("a", 2, 0), SampleSet.Open(_folder["w"])]));

        Assert.Equal(ProblemCode.SamplesDiffer, refused.Problems[0].Code);
        Assert.Throws<ArgumentException>(() => new InterleavedTensor("x", [Set("b", 2, 0).Find("x")!, SampleSet.Open(_folder["w"]).Find("x")!], [(0, 0)]));
    }

    [Fact]
    public void An_array_is_added_or_replaced()
    {
        var set = Set("a", 2, 0);
        var other = BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(2), [7, 8]);

        Assert.Equal([7, 8], set.With(other).Find("x")!.ToFloats());
        Assert.Equal([0, 1, 2, 3], set.Find("x")!.ToFloats());
        Assert.Throws<LoraOpsException>(() => set.With(BufferTensor.FromFloats("y", ElementType.F32, new TensorShape(3), [1, 2, 3])));
    }

    private SampleSet Set(string name, int count, float from)
    {
        float[] values = [.. Enumerable.Range(0, count * 2).Select(i => from + i)];
        SafetensorsWriter.Write(_folder[name], [BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(count, 2), values)]);
        return SampleSet.Open(_folder[name]);
    }
}
