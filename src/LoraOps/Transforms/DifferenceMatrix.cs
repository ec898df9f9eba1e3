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
    private const int BlockLength = 1 << 16;
    private const float Large = 1e30f;

    /// <summary>The difference in float32, rounded once; itself if its values are out of that type's range or in danger of it.</summary>
    /// <param name="values">Room for all elements, which is used and kept.</param>
    /// <exception cref="LoraOpsException">A value is not finite.</exception>
    public DeltaMatrix In(float[] values)
    {
        var block = ArrayPool<float>.Shared.Rent((int)Math.Min(Count, BlockLength));
        var most = 0f;
        for (var at = 0; at < values.Length; at += BlockLength)
        {
            var after = values.AsSpan(at, Math.Min(BlockLength, values.Length - at));
            var before = block.AsSpan(0, after.Length);
            tuned.ReadFloats(at, after);
            start.ReadFloats(at, before);
            TensorPrimitives.Subtract(after, before, after);
            most = Math.Max(most, Math.Abs(TensorPrimitives.MaxMagnitude<float>(after)));
        }

        ArrayPool<float>.Shared.Return(block);
        if (!float.IsFinite(most))
            throw NotFinite();

        return most is < Large and > 1 / Large ? new FloatMatrix(values, Rows, Columns) : this;
    }

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
                throw NotFinite();
        }
    }

    private LoraOpsException NotFinite() =>
        new(ExtractProblems.NotExpressible(file, tuned.Name, "its difference to the base holds NaN or infinity"));
}
