using System.Runtime.InteropServices;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Runtime.Tests;

/// <summary>Makes small files of samples.</summary>
internal sealed class DataFile(TemporaryFolder folder, string name = "data.safetensors")
{
    private readonly List<Tensor> _tensors = [];

    public DataFile Floats(string tensor, long[] dims, params float[] values) => Add(tensor, ElementType.F32, dims, values);

    public DataFile Longs(string tensor, long[] dims, params long[] values) => Add(tensor, ElementType.I64, dims, values);

    public DataFile Add<T>(string tensor, ElementType type, long[] dims, params T[] values)
        where T : unmanaged
    {
        _tensors.Add(new BufferTensor(tensor, type, new TensorShape(dims), MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
        return this;
    }

    public SampleSet Open()
    {
        SafetensorsWriter.Write(folder[name], _tensors);
        return SampleSet.Open(folder[name]);
    }
}
