using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Mixing;

/// <summary>Deltas as matrices in canonical orientation.</summary>
public static class DeltaMatrices
{
    private const int BlockLength = 1 << 16;

    /// <summary>The true delta of a module's weight. Factors stay factors; every other method's rows are worked out in float32.</summary>
    /// <param name="delta">What the adapter does to the weight.</param>
    /// <param name="weight">The base weight in PyTorch's layout; null if the delta needs none and knows its shape.</param>
    public static DeltaMatrix Of(Delta delta, TargetWeight? weight) => delta switch
    {
        LoraDelta lora => Of(lora),
        DoraDelta dora when weight is not null => Of(dora, weight),
        { IsProduct: true } => Product(delta, weight ?? Unknown(delta)),
        _ => new AppliedDelta(delta, weight ?? Unknown(delta)),
    };

    /// <summary>The factors of LoRA, canonical.</summary>
    public static LowRank Of(LoraDelta delta)
    {
        var (rows, columns) = (delta.B.Shape.ElementCount / delta.Rank, delta.A.Shape.ElementCount / delta.Rank);
        return new LowRank(
            values => Read(delta.B, values), values => Read(delta.A, values), delta.Rank, (checked((int)rows), checked((int)columns)), delta.Scale);
    }

    /// <summary>The Euclidean norms of a base weight's canonical rows: what DoRA starts its magnitudes from.</summary>
    internal static double[] RowNorms(TargetWeight weight, LayerKind layer, (int Rows, int Columns) size)
    {
        var read = Rows(layer, size, weight);
        var (row, norms) = (new double[size.Columns], new double[size.Rows]);
        for (var index = 0; index < norms.Length; index++)
        {
            read(index, row);
            norms[index] = Math.Sqrt(row.Aggregate(0.0, (sum, value) => sum + (value * value)));
        }

        return norms;
    }

    // A delta that needs no base asks only for the shape.
    private static TargetWeight Unknown(Delta delta) => TargetWeight.Of(delta.WeightShape!, []);

    private static LowRank Product(Delta delta, TargetWeight weight)
    {
        var update = (ProductUpdate)delta.Prepare(weight);
        var (rows, columns) = (update.Coefficients.Length / update.Rank, update.Columns);
        var (b, a) = (Doubles(update.Coefficients), Doubles(update.Basis));
        if (delta.Layer != LayerKind.Embedding)
            return new LowRank(b, a, update.Rank, (rows, columns), update.Scale);

        return new LowRank(Dense.Transposed(a, update.Rank, columns), Dense.Transposed(b, rows, update.Rank), update.Rank, (columns, rows), update.Scale);
    }

    private static DoraMatrix Of(DoraDelta delta, TargetWeight weight)
    {
        var factors = Of(delta.Factors);
        return new DoraMatrix(factors, delta.Magnitude.ToFloats(), Rows(delta.Layer, (factors.Rows, factors.Columns), weight), delta.ZeroNorm);
    }

    // The canonical rows of an embedding are the columns of its weight: it is turned once.
    private static RowReader Rows(LayerKind layer, (int Rows, int Columns) size, TargetWeight weight)
    {
        if (layer != LayerKind.Embedding)
            return (first, values) => Read(weight, (long)first * size.Columns, values);

        var turned = new Lazy<float[]>(() =>
        {
            var (stored, canonical) = (new float[(long)size.Rows * size.Columns], new float[(long)size.Rows * size.Columns]);
            weight.Read(0, stored);
            Transposition.Transpose(stored, size.Columns, size.Rows, canonical);
            return canonical;
        });
        return (first, values) => TensorPrimitives.ConvertTruncating<float, double>(
            turned.Value.AsSpan(first * size.Columns, values.Length), values);
    }

    private static void Read(TargetWeight weight, long first, Span<double> values)
    {
        var floats = new float[values.Length];
        weight.Read(first, floats);
        TensorPrimitives.ConvertTruncating<float, double>(floats, values);
    }

    private static void Read(Tensor tensor, Span<double> doubles)
    {
        var block = ArrayPool<float>.Shared.Rent(BlockLength);
        for (var at = 0; at < doubles.Length; at += BlockLength)
        {
            var floats = block.AsSpan(0, Math.Min(BlockLength, doubles.Length - at));
            tensor.ReadFloats(at, floats);
            TensorPrimitives.ConvertTruncating<float, double>(floats, doubles[at..]);
        }

        ArrayPool<float>.Shared.Return(block);
    }

    private static double[] Doubles(float[] values)
    {
        var doubles = GC.AllocateUninitializedArray<double>(values.Length);
        TensorPrimitives.ConvertTruncating<float, double>(values, doubles);
        return doubles;
    }
}
