using System.Buffers.Binary;
using System.Text;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Npy;

namespace LoraOps.Tests.Writers.Npy;

public sealed class NpyOutputTests
{
    [Theory]
    [InlineData(new long[] { 3 }, "(3,)")]
    [InlineData(new long[] { 1, 3, 8, 8 }, "(1, 3, 8, 8)")]
    [InlineData(new long[0], "()")]
    public void The_header_is_what_NumPy_writes(long[] dims, string tuple)
    {
        using var folder = new TemporaryFolder();
        var shape = new TensorShape(dims);
        NpyOutput.Write(folder["a.npy"], ElementType.F32, shape, new byte[shape.ElementCount * 4]);

        var bytes = File.ReadAllBytes(folder["a.npy"]);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], bytes[..8]);
        Assert.Equal(0, (10 + length) % 64);
        Assert.Equal(
            $"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple}, }}".PadRight(length - 1) + "\n",
            Encoding.ASCII.GetString(bytes, 10, length));
    }

    [Theory]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F64)]
    [InlineData(ElementType.Bool)]
    [InlineData(ElementType.I8)]
    [InlineData(ElementType.U8)]
    [InlineData(ElementType.I16)]
    [InlineData(ElementType.U16)]
    [InlineData(ElementType.I32)]
    [InlineData(ElementType.U32)]
    [InlineData(ElementType.I64)]
    [InlineData(ElementType.U64)]
    public void What_is_written_is_read_back(ElementType type)
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[6 * type.Bits() / 8];
        new Random(7).NextBytes(bytes);
        NpyOutput.Write(folder["a.npy"], type, new TensorShape(2, 3), bytes);

        var read = NpyFile.Open(folder["a.npy"], "a");

        Assert.Equal(type, read.Type);
        Assert.Equal(new TensorShape(2, 3), read.Shape);
        Assert.Equal(bytes, read.ToBytes());
    }

    [Fact]
    public void Refuses_what_is_no_array_of_that_shape()
    {
        using var folder = new TemporaryFolder();

        Assert.False(NpyOutput.Holds(ElementType.BF16));
        Assert.Throws<ArgumentException>(() => NpyOutput.Write(folder["a.npy"], ElementType.BF16, new TensorShape(1), new byte[2]));
        Assert.Throws<ArgumentException>(() => NpyOutput.Write(folder["a.npy"], ElementType.F32, new TensorShape(2), new byte[4]));
    }
}
