using System.Runtime.InteropServices;

namespace LoraOps.Tensors;

/// <summary>
/// A float32 tensor whose elements are worked out when they are read, so that a small file cannot ask for much memory before
/// its shape was compared with anything.
/// </summary>
/// <param name="name">The name, for messages.</param>
/// <param name="shape">The shape.</param>
public abstract class ComputedTensor(string name, TensorShape shape) : Tensor(name, ElementType.F32, shape)
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor or parts an element.</exception>
    public sealed override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        if (offset % sizeof(float) != 0 || destination.Length % sizeof(float) != 0)
            throw new ArgumentOutOfRangeException(nameof(offset), "Whole elements are computed, not parts of them.");

        Compute(offset / sizeof(float), MemoryMarshal.Cast<byte, float>(destination));
    }

    /// <summary>Works out elements in row-major order.</summary>
    /// <param name="first">The first element.</param>
    /// <param name="values">Receives as many elements as it holds.</param>
    protected abstract void Compute(long first, Span<float> values);
}
