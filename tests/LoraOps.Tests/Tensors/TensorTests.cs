using FsCheck;
using FsCheck.Fluent;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Tensors;

public sealed class TensorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_any_range_of_elements_as_it_reads_all()
    {
        // Longer than the block that elements are decoded in.
        var values = Enumerable.Range(0, 40_000).Select(i => i / 8f).ToArray();
        var tensor = BufferTensor.FromFloats("t", ElementType.F32, new TensorShape(40_000), values);
        Prop.ForAll<NonNegativeInt, NonNegativeInt>((a, b) =>
        {
            var first = a.Get * 7919 % values.Length;
            var some = new float[b.Get * 104_729 % (values.Length - first + 1)];
            tensor.ReadFloats(first, some);
            return values.AsSpan(first, some.Length).SequenceEqual(some);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Refuses_a_range_outside_the_tensor_wherever_its_bytes_are()
    {
        File.WriteAllBytes(_folder["t.bin"], new byte[64]);
        Tensor[] tensors =
        [
            new BufferTensor("t", ElementType.U8, new TensorShape(8), new byte[8]),
            new FileTensor("t", ElementType.U8, new TensorShape(8), _folder["t.bin"], 4),
        ];
        foreach (var tensor in tensors)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => tensor.ReadBytes(-1, new byte[1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => tensor.ReadBytes(8, new byte[1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => tensor.ReadBytes(0, new byte[9]));
            Assert.Throws<ArgumentOutOfRangeException>(() => tensor.ReadBytes(1L << 40, new byte[1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => tensor.ReadFloats(long.MaxValue, new float[1]));
            tensor.ReadBytes(8, []);
        }
    }

    [Fact]
    public void Reads_from_its_place_in_a_file()
    {
        File.WriteAllBytes(_folder["t.bin"], [9, 9, 1, 0, 2, 0, 9]);
        var tensor = new FileTensor("t", ElementType.I16, new TensorShape(2), _folder["t.bin"], 2);
        Assert.Equal([1, 2], tensor.ToFloats());
        File.Delete(_folder["t.bin"]);
        var error = Assert.Throws<LoraOpsException>(tensor.ToBytes);
        Assert.Equal(ProblemCode.FileUnreadable, error.Problems[0].Code);
    }

    [Fact]
    public void Wants_as_many_bytes_as_its_shape_takes()
    {
        Assert.Throws<ArgumentException>(() => new BufferTensor("t", ElementType.F32, new TensorShape(2), new byte[7]));
        Assert.Throws<ArgumentException>(() => new BufferTensor("t", ElementType.F4, new TensorShape(7), new byte[3]));
    }

    [Fact]
    public void Has_no_numbers_for_opaque_types() => Assert.Throws<NotSupportedException>(
        () => new BufferTensor("t", ElementType.F4, new TensorShape(2), new byte[1]).ToFloats());

    [Fact]
    public void Knows_sub_byte_lengths() =>
        Assert.Equal(3, new BufferTensor("t", ElementType.F6E2M3, new TensorShape(4), new byte[3]).ByteLength);
}
