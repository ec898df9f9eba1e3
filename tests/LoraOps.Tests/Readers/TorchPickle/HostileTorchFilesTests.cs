using System.Text.Json;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.TorchPickle;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.TorchPickle;

/// <summary>Every file of fixtures/torch-bin-hostile has the verdict of its index.json, and none of them runs anything.</summary>
public sealed class HostileTorchFilesTests
{
    private static readonly string Folder = Fixtures.Path("torch-bin-hostile");

    // What the pickles would leave behind in the working directory if they were run.
    private static readonly string[] Traces = ["LORAOPS_PICKLE_EXECUTED", "LORAOPS_UNPICKLED"];

    public static TheoryData<string> Accepted => Named("accept");

    public static TheoryData<string> Refused => Named("reject");

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Reads_the_values_that_PyTorch_reads(string name)
    {
        var tensors = TorchFile.Read(Path.Combine(Folder, name));
        using var expected = SafetensorsFile.Open(Path.Combine(Folder, Path.ChangeExtension(name, ".expected.safetensors")));
        Assert.Equal(
            expected.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        foreach (var tensor in tensors)
        {
            var wanted = expected.Find(tensor.Name)!;
            Assert.Equal((wanted.Type, wanted.Shape), (tensor.Type, tensor.Shape));
            Assert.Equal(wanted.ToBytes(), tensor.ToBytes());
            Assert.Equal(wanted.ToBytes(), InPieces(tensor, 3));
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_and_runs_nothing(string name)
    {
        var path = Path.Combine(Folder, name);
        var error = Assert.Throws<LoraOpsException>(() => TorchFile.Read(path));
        var problem = Assert.Single(error.Problems);
        Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
        Assert.Equal(path, problem.Where);
        Assert.Equal(name.StartsWith("malicious", StringComparison.Ordinal), problem.Code == ProblemCode.TorchPickleRefused);
        Assert.All(Traces, trace => Assert.False(File.Exists(trace) || File.Exists(Path.Combine(Folder, trace))));
    }

    [Fact]
    public void Every_prefix_and_every_changed_byte_is_read_or_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["a.bin"];
        var bytes = File.ReadAllBytes(Path.Combine(Folder, "valid-shared-storage.bin"));
        for (var index = 0; index < bytes.Length; index++)
        {
            Try(path, bytes[..index]);
            foreach (var change in (byte[])[0x01, 0x80, 0xFF])
            {
                var changed = (byte[])bytes.Clone();
                changed[index] ^= change;
                Try(path, changed);
            }
        }
    }

    private static void Try(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        try
        {
            foreach (var tensor in TorchFile.Read(path))
                tensor.ToBytes();
        }
        catch (LoraOpsException error)
        {
            Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
        }
    }

    private static byte[] InPieces(LoraOps.Tensors.Tensor tensor, int size)
    {
        var bytes = new byte[tensor.ByteLength];
        for (var at = 0; at < bytes.Length; at += size)
            tensor.ReadBytes(at, bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));

        return bytes;
    }

    private static TheoryData<string> Named(string verdict)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "index.json")));
        return [.. index.RootElement.EnumerateArray()
            .Where(row => row.GetProperty("expect").GetString() == verdict)
            .Select(row => row.GetProperty("file").GetString()!)];
    }
}
