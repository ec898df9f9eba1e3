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

        Assert.Equal([(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2)], mixed.Rows);
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
    public void Smaller_samples_are_filled_up_where_that_is_wanted()
    {
        SafetensorsWriter.Write(_folder["w"], [BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(1, 3), [7, 8, 9])]);

        var mixed = Interleaving.Of([Set("a", 2, 1), SampleSet.Open(_folder["w"])], pads: true);

        Assert.Equal([1, 2, 0, 7, 8, 9, 3, 4, 0], mixed.Samples.Find("x")!.ToFloats());
    }

    [Theory]
    [InlineData("2,3", "2,3")]
    [InlineData("2,3", "4,3")]
    [InlineData("2,3", "2,5")]
    [InlineData("2,3,4", "3,5,6")]
    [InlineData("2", "5")]
    [InlineData("1,0,2", "2,2,3")]
    [InlineData("2,3,1,2", "2,4,2,2")]
    public void A_padded_tensor_has_its_values_first_on_every_axis(string from, string to)
    {
        long[] inner = [.. from.Split(',').Select(long.Parse)], outer = [.. to.Split(',').Select(long.Parse)];
        var small = BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(inner), [.. Enumerable.Range(1, (int)inner.Aggregate(1L, (a, b) => a * b))]);
        var large = new PaddedTensor(small, new TensorShape(outer));
        var (expected, taken) = (new float[large.Shape.ElementCount], 0);
        for (var i = 0; i < expected.Length; i++)
        {
            var (rest, isInside) = (i, true);
            for (var axis = outer.Length - 1; axis >= 0; rest /= (int)outer[axis--])
                isInside &= rest % outer[axis] < inner[axis];

            expected[i] = isInside ? ++taken : 0;
        }

        Assert.Equal(expected, large.ToFloats());
        var all = large.ToBytes();
        for (var at = 0; at < all.Length; at++)
        {
            var part = new byte[Math.Min(13, all.Length - at)];
            large.ReadBytes(at, part);
            Assert.Equal(all.AsSpan(at, part.Length).ToArray(), part);
        }

        Assert.Throws<ArgumentException>(() => new PaddedTensor(large, new TensorShape([.. outer.Select(dim => dim - 1)])));
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
