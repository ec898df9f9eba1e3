using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>A small base checkpoint in a folder of its own.</summary>
internal sealed class TinyCheckpoint : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TinyCheckpoint(params (string Name, long[] Dims, float[] Values)[] tensors)
    {
        SafetensorsWriter.Write(_folder["base.safetensors"], [.. tensors.Select(tensor =>
            BufferTensor.FromFloats(tensor.Name, ElementType.F32, new TensorShape(tensor.Dims), tensor.Values))]);
        Checkpoint = Checkpoint.Open(_folder["base.safetensors"]);
    }

    public Checkpoint Checkpoint { get; }

    /// <summary>Seeded values between −1 and 1.</summary>
    public static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    public void Dispose()
    {
        Checkpoint.Dispose();
        _folder.Dispose();
    }
}
