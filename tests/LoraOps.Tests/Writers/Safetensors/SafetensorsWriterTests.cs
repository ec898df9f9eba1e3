using System.Text;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Writers.Safetensors;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> FilesOfTheReference =>
        [.. new[] { "bev-vit", "neck-cnn", "voice-gpt2", "planner-llama" }
            .SelectMany(model => Directory.EnumerateFiles(Fixtures.Path(model), "*.safetensors", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Fixtures.Path(), file))
            .Where(file => !file.Contains("voice-gpt2/reference") && !file.Contains("planner-llama/reference"))
            .Order()];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(FilesOfTheReference))]
    public void Writes_the_bytes_of_the_reference_writer(string file)
    {
        var path = Fixtures.Path(file);
        using (var source = SafetensorsFile.Open(path))
            SafetensorsWriter.Write(_folder["copy.safetensors"], [.. source.Tensors.Reverse()], source.Metadata);

        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(_folder["copy.safetensors"])));
    }

    [Fact]
    public void Writes_the_golden_bytes_of_no_tensors_and_of_one()
    {
        Write([]);
        Assert.Equal(RawSafetensors.Bytes("{}      "), Written());

        // The reference's own golden file is 64 bytes of header for this tensor.
        Write([new BufferTensor("test", ElementType.I32, new TensorShape(2, 2), new byte[16])]);
        Assert.Equal(
            RawSafetensors.Bytes("""{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}    """, new byte[16]), Written());
    }

    [Fact]
    public void Puts_wide_types_first_and_sorts_names_by_their_bytes()
    {
        Write([Byte("b"), Byte("B"), Byte("\U0001F600"), Byte("\uFB01"), Byte("t", ElementType.Bool), Byte("i", ElementType.I8)]);
        using var file = SafetensorsFile.Open(_folder["file.safetensors"]);
        Assert.Equal(["i", "B", "b", "\uFB01", "\U0001F600", "t"], file.Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void Escapes_as_the_reference_does()
    {
        Write([], new Dictionary<string, string> { ["b"] = "\"\\\b\t\n\f\r\u0001\u001f", ["a"] = "<é&'+/\u007f中😀>" });
        Assert.Contains(
            "{\"__metadata__\":{\"a\":\"<é&'+/\u007f中😀>\",\"b\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\"}}",
            Encoding.UTF8.GetString(Written()), StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_names_that_are_taken_and_tensors_that_end_inside_a_byte()
    {
        Assert.Throws<ArgumentException>(() => Write([Byte("a"), Byte("a")]));
        Assert.Throws<ArgumentException>(() => Write([Byte("__metadata__")]));
        Assert.Throws<ArgumentException>(() => SafetensorsOutput.Create(
            _folder["file.safetensors"], [new SafetensorsEntry("t", ElementType.F4, new TensorShape(7))]));
    }

    [Fact]
    public void Refuses_a_header_over_the_limit_of_the_format() => Assert.Throws<ArgumentException>(() =>
        Write([], new Dictionary<string, string> { ["a"] = new('x', 100_000_000) }));

    [Fact]
    public void Never_writes_over_a_file()
    {
        Write([]);
        var error = Assert.Throws<LoraOpsException>(() => SafetensorsWriter.Write(_folder["file.safetensors"], []));
        Assert.Equal(ProblemCode.OutputExists, error.Problems[0].Code);
        error = Assert.Throws<LoraOpsException>(() => SafetensorsWriter.Write(_folder["none/file.safetensors"], []));
        Assert.Equal(ProblemCode.OutputUnwritable, error.Problems[0].Code);
    }

    private static BufferTensor Byte(string name, ElementType type = ElementType.U8) => new(name, type, new TensorShape(1), new byte[1]);

    private void Write(IReadOnlyList<Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        File.Delete(_folder["file.safetensors"]);
        SafetensorsWriter.Write(_folder["file.safetensors"], tensors, metadata);
    }

    private byte[] Written() => File.ReadAllBytes(_folder["file.safetensors"]);
}
