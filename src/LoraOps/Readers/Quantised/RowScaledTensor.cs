using System.Buffers;
using System.Runtime.InteropServices;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>bitsandbytes' int8: signed codes [out, in], each multiplied with its row's absolute maximum and then with 1/127.</summary>
/// <param name="name">The weight's name.</param>
/// <param name="type">The type of the dequantised weight.</param>
/// <param name="codes">The codes.</param>
/// <param name="rowMaxima">SCB: [out] in float32.</param>
internal sealed class RowScaledTensor(string name, ElementType type, Tensor codes, Tensor rowMaxima)
    : DequantisedTensor(name, type, codes.Shape)
{
    // bitsandbytes writes the constant with these digits; it is used in float32.
    private const float Unit = 0.007874015718698502f;

    /// <inheritdoc/>
    protected override void Dequantise(long first, Span<float> values)
    {
        var columns = Shape.RowLength;
        var firstRow = first / columns;
        var maxima = new float[((first + values.Length - 1) / columns) - firstRow + 1];
        rowMaxima.ReadFloats(firstRow, maxima);
        var bytes = ArrayPool<byte>.Shared.Rent(values.Length);
        codes.ReadBytes(first, bytes.AsSpan(0, values.Length));
        var signed = MemoryMarshal.Cast<byte, sbyte>(bytes.AsSpan(0, values.Length));
        for (var (index, row) = (0, 0); index < values.Length; row++)
        {
            for (var end = (int)Math.Min(values.Length, ((firstRow + row + 1) * columns) - first); index < end; index++)
            {
                var product = signed[index] * maxima[row];
                values[index] = product * Unit;
            }
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }
}
