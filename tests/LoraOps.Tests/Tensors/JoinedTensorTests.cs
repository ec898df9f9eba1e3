using LoraOps.Tensors;

namespace LoraOps.Tests.Tensors;

public sealed class JoinedTensorTests
{
    [Fact]
    public void Any_range_is_that_of_the_parts_one_after_another()
    {
        var parts = new[] { 2, 1, 3 }.Select((rows, at) => Part(rows, at)).ToList();
        var joined = new JoinedTensor("x", parts);
        var whole = parts.SelectMany(part => part.ToBytes()).ToArray();
        Assert.Equal(new TensorShape(6, 4), joined.Shape);
        for (var offset = 0; offset <= whole.Length; offset += 5)
        {
            for (var count = 0; count <= whole.Length - offset; count += 7)
            {
                var read = new byte[count];
                joined.ReadBytes(offset, read);
                Assert.Equal(whole[offset..(offset + count)], read);
            }
        }
    }

    [Fact]
    public void Only_what_belongs_together_is_joined()
    {
        Assert.False(JoinedTensor.CanJoin([Part(2, 0), BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(1, 3), [1, 2, 3])]));
        Assert.False(JoinedTensor.CanJoin([Part(2, 0), BufferTensor.FromFloats("x", ElementType.F16, new TensorShape(1, 4), [1, 2, 3, 4])]));
        Assert.Throws<ArgumentException>(() => new JoinedTensor("x", [Part(1, 0), BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(1), [1])]));
    }

    private static BufferTensor Part(int rows, int seed) =>
        BufferTensor.FromFloats("x", ElementType.F32, new TensorShape(rows, 4), [.. Enumerable.Range(0, rows * 4).Select(at => at + (seed * 100f))]);
}
