using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Safetensors;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Gives_tensors_in_the_order_of_their_bytes_with_sorted_metadata()
    {
        using var file = Open(
            """{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"__metadata__":{"z":"1","a":"é"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""",
            5, 6);
        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(["a", "z"], file.Metadata.Keys);
        Assert.Equal("é", file.Metadata["a"]);
        Assert.Equal([6], file.Find("b")!.ToBytes());
        Assert.Null(file.Find("c"));
    }

    [Theory]
    [InlineData("BOOL", 8)]
    [InlineData("F4", 4)]
    [InlineData("F6_E2M3", 6)]
    [InlineData("F6_E3M2", 6)]
    [InlineData("U8", 8)]
    [InlineData("I8", 8)]
    [InlineData("F8_E5M2", 8)]
    [InlineData("F8_E4M3", 8)]
    [InlineData("F8_E8M0", 8)]
    [InlineData("F8_E4M3FNUZ", 8)]
    [InlineData("F8_E5M2FNUZ", 8)]
    [InlineData("I16", 16)]
    [InlineData("U16", 16)]
    [InlineData("F16", 16)]
    [InlineData("BF16", 16)]
    [InlineData("I32", 32)]
    [InlineData("U32", 32)]
    [InlineData("F32", 32)]
    [InlineData("C64", 64)]
    [InlineData("F64", 64)]
    [InlineData("I64", 64)]
    [InlineData("U64", 64)]
    public void Reads_every_type_of_the_format(string type, int bits)
    {
        var data = Enumerable.Range(1, bits).Select(value => (byte)value).ToArray();
        using var file = Open($$$"""{"t":{"dtype":"{{{type}}}","shape":[2,4],"data_offsets":[0,{{{bits}}}]}}""", data);
        var tensor = Assert.Single(file.Tensors);
        Assert.Equal(type, tensor.Type.Name());
        Assert.Equal(bits, tensor.Type.Bits());
        Assert.Equal(data, tensor.ToBytes());
    }

    [Fact]
    public void Reads_ranges_of_any_length_at_any_place()
    {
        // Longer than the blocks that a map is copied in.
        var data = new byte[20_001];
        new Random(1).NextBytes(data);
        using var file = Open("""{"t":{"dtype":"U8","shape":[20001],"data_offsets":[0,20001]}}""", data);
        foreach (var (offset, length) in new[] { (0, 20_001), (1, 4096), (3, 8191), (20_000, 1), (20_001, 0), (77, 0) })
        {
            var bytes = new byte[length];
            file.Tensors[0].ReadBytes(offset, bytes);
            Assert.True(data.AsSpan(offset, length).SequenceEqual(bytes));
        }
    }

    [Fact]
    public void Refuses_a_range_that_leaves_the_tensor()
    {
        using var file = Open(Two, 1, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Tensors[0].ReadBytes(0, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Tensors[1].ReadBytes(-1, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Tensors[1].ReadBytes(long.MaxValue, new byte[1]));
    }

    [Fact]
    public void Ends_its_tensors_when_it_is_closed()
    {
        var file = Open(Two, 1, 2);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Tensors[0].ToBytes());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("\n\t {} \r\n")]
    [InlineData("""{"z":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}""")]
    public void Opens_a_file_without_data(string header)
    {
        using var file = Open(header);
        Assert.All(file.Tensors, tensor => Assert.Empty(tensor.ToBytes()));
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void Ignores_fields_that_it_does_not_know() =>
        Open("""{"t":{"x":{"dtype":[1,{}]},"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":null}}""", 1).Dispose();

    [Fact]
    public void Unescapes_names_before_it_compares_them() => AssertCode(
        ProblemCode.SafetensorsNameTwice,
        """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0074":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}""", 1);

    [Theory]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", ProblemCode.SafetensorsMetadataTwice)]
    [InlineData("""{"__metadata__":null,"__metadata__":{}}""", ProblemCode.SafetensorsMetadataTwice)]
    [InlineData("""{"__metadata__":[{}]}""", ProblemCode.SafetensorsMetadataNotText)]
    [InlineData("""{"__metadata__":{"a":{"b":"c"}}}""", ProblemCode.SafetensorsMetadataNotText)]
    [InlineData("""{"t":[[]]}""", ProblemCode.SafetensorsFieldWrongKind)]
    [InlineData("""{"t":{"dtype":{"a":1},"shape":[],"data_offsets":[0,0]}}""", ProblemCode.SafetensorsFieldWrongKind)]
    [InlineData("""{"t":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}""", ProblemCode.SafetensorsNumberInvalid)]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1e0]}}""", ProblemCode.SafetensorsNumberInvalid)]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[-0,1]}}""", ProblemCode.SafetensorsNumberInvalid)]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", ProblemCode.SafetensorsOffsetCount)]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[]}}""", ProblemCode.SafetensorsOffsetCount)]
    [InlineData("""{"t":{"dtype":"U64","shape":[9223372036854775807],"data_offsets":[0,8]}}""", ProblemCode.SafetensorsSizeOverflow)]
    [InlineData("""{"\ud800":{}}""", ProblemCode.SafetensorsHeaderNotJson)]
    [InlineData("""{} x""", ProblemCode.SafetensorsHeaderNotJson)]
    [InlineData("""{"__metadata__":{"a":"\udc00"}}""", ProblemCode.SafetensorsHeaderNotJson)]
    [InlineData("7", ProblemCode.SafetensorsHeaderNotObject)]
    [InlineData("true", ProblemCode.SafetensorsHeaderNotObject)]
    [InlineData("\"{}\"", ProblemCode.SafetensorsHeaderNotObject)]
    [InlineData("null", ProblemCode.SafetensorsHeaderNotObject)]
    public void Tells_what_is_wrong_with_a_header(string header, ProblemCode code) => AssertCode(code, header);

    [Fact]
    public void Tells_everything_that_is_wrong_at_once()
    {
        var error = Assert.Throws<LoraOpsException>(() => Open(
            """{"a":{"dtype":"u8","shape":[-1],"data_offsets":[0]},"b":{"dtype":"U8"}}"""));
        Assert.Equal(
            [
                ProblemCode.SafetensorsTypeUnknown, ProblemCode.SafetensorsNumberInvalid, ProblemCode.SafetensorsOffsetCount,
                ProblemCode.SafetensorsFieldMissing, ProblemCode.SafetensorsFieldMissing,
            ],
            error.Problems.Select(problem => problem.Code));
    }

    [Fact]
    public void Stops_telling_after_sixteen_problems()
    {
        var entries = Enumerable.Range(0, 100).Select(i => $"\"{i}\":{{}}");
        var error = Assert.Throws<LoraOpsException>(() => Open($"{{{string.Join(',', entries)}}}"));
        Assert.Equal(16, error.Problems.Count);
    }

    [Fact]
    public void Names_file_tensor_found_and_allowed()
    {
        var path = RawSafetensors.Write(_folder["m.safetensors"], """{"q.w":{"dtype":"F16","shape":[2,3],"data_offsets":[0,24]}}""");
        var error = Assert.Throws<LoraOpsException>(() => SafetensorsFile.Open(path));
        Assert.Equal(
            $"LORA1128: {path}: tensor 'q.w': shape [2, 3] of F16 takes 12 bytes, but its data_offsets span 24. Export the file again.",
            error.Message);
    }

    [Fact]
    [Raises(ProblemCode.SafetensorsTooManyEntries)]
    public void Refuses_a_million_names()
    {
        var header = $"{{\"__metadata__\":{{{string.Join(',', Enumerable.Range(0, 1_000_001).Select(i => $"\"{i}\":\"\""))}}}}}";
        AssertCode(ProblemCode.SafetensorsTooManyEntries, header);
    }

    [Fact]
    public void Tells_a_missing_file_from_a_folder()
    {
        AssertRaises(ProblemCode.FileMissing, () => SafetensorsFile.Open(_folder["none.safetensors"]));
        AssertRaises(ProblemCode.FileMissing, () => SafetensorsFile.Open(_folder["no/none.safetensors"]));
        AssertRaises(ProblemCode.FileUnreadable, () => SafetensorsFile.Open(_folder.Path));
    }

    [Fact]
    public void Gives_the_bytes_before_the_data_as_they_are()
    {
        using var file = Open(Two, 1, 2);
        Assert.Equal(RawSafetensors.Bytes(Two), file.HeaderBytes());
    }

    private const string Two =
        """ {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""";

    private SafetensorsFile Open(string header, params byte[] data) =>
        SafetensorsFile.Open(RawSafetensors.Write(_folder["file.safetensors"], header, data));

    private void AssertCode(ProblemCode code, string header, params byte[] data) =>
        AssertRaises(code, () => Open(header, data));

    private static void AssertRaises(ProblemCode code, Func<SafetensorsFile> open) =>
        Assert.Equal(code, Assert.Single(Assert.Throws<LoraOpsException>(open).Problems).Code);
}
