using System.Buffers.Binary;
using System.Text;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.AdapterFiles;

/// <summary>Whatever is wrong with a file is said, and nothing outside of it is touched.</summary>
public sealed class MalformedAdapterTests
{
    // Places in golden-0-0: the adapter's table, its list, the second parameter's table and vectors.
    private const int Root = 20;
    private const int List = 32;
    private const int Table = 44;

    // Dimensions [2, 1] and the name A.
    private const string Vectors = "0200000002000000000000000100000000000000010000004100";
    private static readonly byte[] Good = File.ReadAllBytes(Fixtures.Path("bev-vit", "ort", "golden-0-0.onnx_adapter"));

    [Fact]
    [Raises(ProblemCode.NotOnnxAdapter)]
    public void Other_files_and_other_versions_are_no_adapters()
    {
        Refused([], ProblemCode.NotOnnxAdapter, "0 bytes long");
        Refused(Good[..8], ProblemCode.NotOnnxAdapter, "8 bytes long");
        Refused(With(4, 'X'), ProblemCode.NotOnnxAdapter, "TORT");
        Refused(With(Root + 4, 2), ProblemCode.NotOnnxAdapter, "version is 2");
    }

    [Theory]
    [InlineData(0, 0, "offset of the adapter")]
    [InlineData(0, -4, "offset of the adapter")]
    [InlineData(0, 173, "offset of the adapter")]
    [InlineData(0, int.MaxValue, "offset of the adapter")]
    [InlineData(0, 22, "multiple of 4")]
    [InlineData(Root, int.MinValue, "field list of the adapter")]
    [InlineData(Root, 21, "field list of the adapter")]
    [InlineData(Root, -154, "field list of the adapter")]
    [InlineData(8, 0x000c0003, "3 bytes long")]
    [InlineData(8, 0x000c00fe, "254 bytes long")]
    [InlineData(8, 0x0003000c, "3 bytes long and leaves")]
    [InlineData(16, 0x00f00000, "parameters of the adapter lies outside")]
    [InlineData(16, 0, "no list of parameters")]
    [InlineData(List, 0x7fffffff, "2147483647 elements")]
    [InlineData(List, -1, "4294967295 elements")]
    [InlineData(List + 4, 3, "multiple of 4")]
    [InlineData(Table + 4, 0x1000, "name of parameter 1 leads out")]
    [InlineData(Table + 8, 2, "multiple of 4")]
    [InlineData(64, 0x60000000, "raw_data of parameter 1 has")]
    [Raises(ProblemCode.OnnxAdapterDamaged)]
    public void Offsets_and_lengths_that_lead_out_of_the_file_are_damage(int at, int value, string reason) =>
        Refused(With(at, value), ProblemCode.OnnxAdapterDamaged, reason);

    [Theory]
    [InlineData("0100000041", "0400000041", ProblemCode.OnnxAdapterDamaged, "no end")]
    [InlineData("0100000041", "0100000042", ProblemCode.AdapterParameterName, "'B' is there twice")]
    [InlineData("0100000041", "01000000ff", ProblemCode.AdapterParameterName, "place 0 has a name that is no text")]
    [InlineData("0100000041", "0000000000", ProblemCode.AdapterParameterName, "place 0 has a name of 0 bytes")]
    [InlineData(Vectors, "0200000002000000000000000200000000000000010000004100", ProblemCode.AdapterParameterInvalid, "need 16")]
    [InlineData(Vectors, "02000000ffffffffffffffff0100000000000000010000004100", ProblemCode.AdapterParameterInvalid, "negative or too large")]
    [InlineData(Vectors, "0200000000000000000000400000000000000000010000004100", ProblemCode.AdapterParameterInvalid, "negative or too large")]
    [InlineData(Vectors, "0000000002000000000000000100000000000000010000004100", ProblemCode.AdapterParameterInvalid, "has 0 dimensions")]
    public void Parameters_that_cannot_be_are_named(string from, string to, ProblemCode code, string reason)
    {
        var hex = Convert.ToHexStringLower(Good);
        Assert.Contains(from, hex, StringComparison.Ordinal);
        Refused(Convert.FromHexString(hex.Replace(from, to, StringComparison.Ordinal)), code, reason);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(11)]
    [InlineData(14)]
    [InlineData(21)]
    [InlineData(-1)]
    public void Types_that_ONNX_Runtime_does_not_load_everywhere_are_refused(int number) =>
        Refused(With(Table + 12, number), ProblemCode.AdapterParameterInvalid, $"'B' has data type {number}");

    [Fact]
    public void A_file_that_is_cut_off_anywhere_is_refused()
    {
        foreach (var good in Goods())
        {
            for (var length = 0; length < good.Length; length++)
                Assert.False(IsAccepted(good[..length]), $"{length} of {good.Length} bytes");
        }
    }

    [Fact]
    public void Mutated_files_are_refused_or_read_whole()
    {
        var goods = Goods().ToList();
        var accepted = 0;
        for (var seed = 0; seed < 10_000; seed++)
        {
            var random = new Random(seed);
            accepted += IsAccepted(AdapterMutation.Of(goods[seed % goods.Count], random)) ? 1 : 0;
        }

        Assert.InRange(accepted, 500, 9500);
    }

    [Fact]
    public void Data_at_multiples_of_4_and_words_after_the_end_are_no_damage()
    {
        // What ONNX Runtime itself writes lies at byte 68.
        var adapter = OnnxAdapterFile.Read((byte[])[.. Good, 1, 2, 3, 4], "longer");

        Assert.Equal([3f, 4f], adapter.Parameters[1].ToFloats());
    }

    private static IEnumerable<byte[]> Goods()
    {
        yield return Good;
        for (var seed = 0; seed < 6; seed++)
        {
            // The last byte of a file must be one that counts.
            var adapter = AnyAdapter.Of(new Random(seed));
            var last = new BufferTensor("last", ElementType.F32, new TensorShape(2), new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 });
            yield return OnnxAdapterFile.ToBytes(adapter with { Parameters = [.. adapter.Parameters, last] });
        }
    }

    private static bool IsAccepted(byte[] bytes)
    {
        try
        {
            foreach (var parameter in OnnxAdapterFile.Read(bytes, "mutated").Parameters)
                parameter.ToBytes();

            return true;
        }
        catch (LoraOpsException refused)
        {
            Assert.All(refused.Problems, problem => Assert.InRange((int)problem.Code, 1310, 1314));
            return false;
        }
    }

    private static void Refused(byte[] bytes, ProblemCode code, string reason)
    {
        var refused = Assert.Throws<LoraOpsException>(() => OnnxAdapterFile.Read(bytes, "x.onnx_adapter"));

        Assert.Equal((code, "x.onnx_adapter"), (refused.Problems[0].Code, refused.Problems[0].Where));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static byte[] With(int at, int word)
    {
        var bytes = (byte[])Good.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), word);
        return bytes;
    }
}
