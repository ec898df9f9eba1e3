using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Samples;

public sealed class NpyFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Array => _folder["x.npy"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("<f2", ElementType.F16)]
    [InlineData("<f4", ElementType.F32)]
    [InlineData("<f8", ElementType.F64)]
    [InlineData("|b1", ElementType.Bool)]
    [InlineData("|i1", ElementType.I8)]
    [InlineData("|u1", ElementType.U8)]
    [InlineData("<i2", ElementType.I16)]
    [InlineData("<u2", ElementType.U16)]
    [InlineData("<i4", ElementType.I32)]
    [InlineData("<u4", ElementType.U32)]
    [InlineData("<i8", ElementType.I64)]
    [InlineData("<u8", ElementType.U64)]
    public void Reads_every_number_type(string descr, ElementType type)
    {
        var data = Enumerable.Range(1, 3 * type.Bits() / 8).Select(value => (byte)value).ToArray();
        Npy.Write(Array, descr, "(3, 1)", data);
        var tensor = Open();
        Assert.Equal(("x", type, new TensorShape(3, 1)), (tensor.Name, tensor.Type, tensor.Shape));
        Assert.Equal(data, tensor.ToBytes());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Reads_every_version(byte version)
    {
        Npy.Write(Array, "|u1", "(2,)", [4, 5], version);
        Assert.Equal([4, 5], Open().ToBytes());
    }

    [Theory]
    [InlineData("{\"descr\":\"|u1\",\"shape\":(1,),\"fortran_order\":False}")]
    [InlineData("{'shape': (1, 1,), 'fortran_order': False, 'descr': '|u1'}\n")]
    public void Reads_what_other_writers_put(string header)
    {
        Npy.WriteRaw(Array, header, [7]);
        Assert.Equal([7], Open().ToBytes());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1)}")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1]}")]
    [InlineData("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}")]
    [InlineData("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'size': (1,)}")]
    [InlineData("{'descr: 1}")]
    public void Refuses_a_header_that_numpy_would_not_write(string header)
    {
        Npy.WriteRaw(Array, header, [7]);
        AssertRaises(ProblemCode.NpyHeaderInvalid);
    }

    [Theory]
    [InlineData(">f4", "big-endian")]
    [InlineData("|O", "pickled")]
    [InlineData("<U3", "text")]
    [InlineData("|S3", "text")]
    [InlineData("<c8", "complex")]
    [InlineData("<M8[ns]", "dates")]
    [InlineData("|V4", "raw bytes")]
    [InlineData("float32", "not known")]
    public void Says_why_it_refuses_a_type(string descr, string reason)
    {
        Npy.Write(Array, descr, "(1,)", new byte[8]);
        Assert.Contains(reason, AssertRaises(ProblemCode.NpyTypeRefused).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_records()
    {
        Npy.WriteRaw(Array, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", new byte[4]);
        Assert.Contains("record", AssertRaises(ProblemCode.NpyTypeRefused).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(99999999999999999999,)")]
    [InlineData("(4294967296, 4294967296)")]
    [InlineData("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)")]
    public void Refuses_a_shape_that_cannot_be(string shape)
    {
        Npy.Write(Array, "|u1", shape, [7]);
        AssertRaises(ProblemCode.NpyShapeInvalid);
    }

    [Fact]
    public void Compares_the_header_with_its_limit_and_its_file()
    {
        Npy.Write(Array, "|u1", "(1,)" + new string(' ', 10_000), [7], version: 2);
        Assert.Contains("at most 10000", AssertRaises(ProblemCode.NpyHeaderLimit).What, StringComparison.Ordinal);
        File.WriteAllBytes(Array, [0x93, .. "NUMPY"u8, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF, (byte)'{']);
        Assert.Contains("4294967295", AssertRaises(ProblemCode.NpyHeaderLimit).What, StringComparison.Ordinal);
    }

    private Tensor Open() => SampleSet.Open(_folder.Path).Find("x")!;

    private Problem AssertRaises(ProblemCode code)
    {
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Open()).Problems);
        Assert.Equal(code, problem.Code);
        return problem;
    }
}
