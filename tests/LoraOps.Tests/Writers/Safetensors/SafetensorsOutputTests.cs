using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Writers.Safetensors;

public sealed class SafetensorsOutputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Target => _folder["out.safetensors"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Keeps_the_order_of_its_entries()
    {
        using (var output = SafetensorsOutput.Create(Target, [Entry("b", 2), Entry("a", 1)]))
        {
            output.Write([1]);
            output.Write([2, 3]);
            Assert.Equal(0, output.Remaining);
            output.Finish();
        }

        using var file = SafetensorsFile.Open(Target);
        Assert.Equal(["b", "a"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([3], file.Find("a")!.ToBytes());
    }

    [Fact]
    public void Copies_the_header_of_another_file_byte_for_byte()
    {
        // A header in an order of its own, with blanks, that no writer of ours would make.
        var source = RawSafetensors.Write(
            _folder["in.safetensors"],
            """  {"z":{"shape":[1],"dtype":"U8","data_offsets":[1,2]}, "a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]} }""", 8, 9);
        using (var file = SafetensorsFile.Open(source))
        using (var output = SafetensorsOutput.CreateLike(Target, file.HeaderBytes(), file.Tensors.Sum(tensor => tensor.ByteLength)))
        {
            foreach (var tensor in file.Tensors)
                output.Write(tensor);

            output.Finish();
        }

        Assert.Equal(File.ReadAllBytes(source), File.ReadAllBytes(Target));
    }

    [Fact]
    public void Streams_a_tensor_that_is_longer_than_a_block()
    {
        var bytes = new byte[(1 << 20) + 5];
        new Random(2).NextBytes(bytes);
        SafetensorsWriter.Write(Target, [new BufferTensor("t", ElementType.U8, new TensorShape(bytes.Length), bytes)]);
        using var file = SafetensorsFile.Open(Target);
        Assert.Equal(bytes, file.Find("t")!.ToBytes());
    }

    [Fact]
    public void Wants_exactly_the_bytes_that_its_header_announces()
    {
        using var output = SafetensorsOutput.Create(Target, [Entry("a", 2)]);
        Assert.Throws<InvalidOperationException>(() => output.Write([1, 2, 3]));
        output.Write([1]);
        Assert.Throws<InvalidOperationException>(output.Finish);
    }

    [Fact]
    [Raises(ProblemCode.DiskFull)]
    public void Tells_a_full_disk_from_other_failures()
    {
        var full = OutputFile.Translate("x", new IOException("full", 28));
        Assert.Equal(ProblemCode.DiskFull, full.Problems[0].Code);
        Assert.Equal(ExitCode.Transient, full.ExitCode);
        Assert.Equal(ProblemCode.OutputUnwritable, OutputFile.Translate("x", new IOException("other", 5)).Problems[0].Code);
    }

    [Fact]
    public void Says_that_a_length_cannot_be_allocated()
    {
        // No disk has 2^60 bytes: preallocation fails before anything is written.
        var error = Assert.Throws<LoraOpsException>(() => SafetensorsOutput.Create(Target, [Entry("a", 1L << 60)]));
        Assert.Contains(error.Problems[0].Code, new[] { ProblemCode.DiskFull, ProblemCode.OutputUnwritable });
    }

    private static SafetensorsEntry Entry(string name, long length) => new(name, ElementType.U8, new TensorShape(length));
}
