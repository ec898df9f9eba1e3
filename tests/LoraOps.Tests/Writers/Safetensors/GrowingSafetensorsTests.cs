using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Writers.Safetensors;

public sealed class GrowingSafetensorsTests
{
    // Room for the whole header, for none of it, and for all but its last bytes.
    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    [InlineData(150)]
    public void Tensors_are_read_back_whatever_room_was_kept(int room)
    {
        using var folder = new TemporaryFolder();
        var path = folder["a.safetensors"];
        float[] first = [1, 2, 3, 4, 5, 6];
        using (var output = new GrowingSafetensors(path, room))
        {
            output.Begin(new SafetensorsEntry("b", ElementType.F32, new TensorShape(2, 3)));
            var bytes = BufferTensor.FromFloats("b", ElementType.F32, new TensorShape(2, 3), first).ToBytes();
            output.Write(bytes.AsSpan(0, 8));
            output.Write(bytes.AsSpan(8));
            var half = BufferTensor.FromFloats("x", ElementType.F16, new TensorShape(1), [0.5f]);
            output.Add(SafetensorsEntry.Of(half) with { Name = "a" }, half);
            output.Finish();
            Assert.Equal(26, output.Bytes);
        }

        using var read = SafetensorsFile.Open(path);
        Assert.Equal(["a", "b"], read.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        Assert.Equal(first, read.Find("b")!.ToFloats());
        Assert.Equal([0.5f], read.Find("a")!.ToFloats());
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Missing_bytes_are_our_bug()
    {
        using var folder = new TemporaryFolder();
        using var output = new GrowingSafetensors(folder["a.safetensors"], 100);
        output.Begin(new SafetensorsEntry("b", ElementType.F32, new TensorShape(2)));
        Assert.Throws<InvalidOperationException>(output.Finish);
    }
}
