using LoraOps.Tensors;

namespace LoraOps.Writers.Safetensors;

/// <summary>One tensor that a safetensors file will hold.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its dimensions.</param>
public sealed record SafetensorsEntry(string Name, ElementType Type, TensorShape Shape)
{
    /// <summary>The number of bytes of the tensor, rounded up if its elements do not fill the last one.</summary>
    public long ByteLength => checked((long)(Bits / 8 + (FillsBytes ? 0u : 1u)));

    /// <summary>False if 4- or 6-bit elements end inside a byte, which the format does not allow.</summary>
    public bool FillsBytes => Bits % 8 == 0;

    private UInt128 Bits => (UInt128)Shape.ElementCount * (uint)Type.Bits();

    /// <summary>The entry of a tensor.</summary>
    public static SafetensorsEntry Of(Tensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape);
}
