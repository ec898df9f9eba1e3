using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Mixing;
using LoraOps.Problems;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Transforms;

/// <summary>tuned − base of one weight as it is stored: [first dimension, all others], worked out in float64 from the stored values.</summary>
/// <param name="start">The base's weight.</param>
/// <param name="tuned">The trained one, of the same shape.</param>
/// <param name="file">The trained checkpoint, for messages.</param>
internal sealed class DifferenceMatrix(Tensor start, Tensor tuned, string file)
    : DeltaMatrix(checked((int)tuned.Shape[0]), checked((int)tuned.Shape.RowLength))
{
    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">A value is not finite.</exception>
    public override void Read(int first, Span<double> values)
    {
        var floats = ArrayPool<float>.Shared.Rent(values.Length);
        var doubles = ArrayPool<double>.Shared.Rent(values.Length);
        var read = floats.AsSpan(0, values.Length);
        var before = doubles.AsSpan(0, values.Length);
        start.ReadFloats((long)first * Columns, read);
        TensorPrimitives.ConvertTruncating(read, before);
        tuned.ReadFloats((long)first * Columns, read);
        TensorPrimitives.ConvertTruncating(read, values);
        TensorPrimitives.Subtract(values, before, values);
        ArrayPool<float>.Shared.Return(floats);
        ArrayPool<double>.Shared.Return(doubles);
        foreach (var value in values)
        {
            if (!double.IsFinite(value))
                throw new LoraOpsException(ExtractProblems.NotExpressible(file, tuned.Name, "its difference to the base holds NaN or infinity"));
        }
    }
}
