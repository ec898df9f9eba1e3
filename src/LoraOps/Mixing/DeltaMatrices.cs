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
    /// <summary>The true delta of a module's weight; null if its method cannot be mixed.</summary>
    /// <param name="delta">What the adapter does to the weight.</param>
    /// <param name="weight">The base weight in PyTorch's layout; null if there is no base.</param>
    /// <exception cref="LoraOpsException">The delta depends on the base and there is none, or a row of it has no norm.</exception>
    public static DeltaMatrix? Of(Delta delta, TargetWeight? weight) => delta switch
    {
        LoraDelta lora => Of(lora),
        DoraDelta dora when weight is not null => Of(dora, weight),
        _ => null,
    };

    /// <summary>The factors of LoRA, canonical.</summary>
    public static LowRank Of(LoraDelta delta)
    {
        var (b, a) = (Doubles(delta.B), Doubles(delta.A));
        return new LowRank(b, a, delta.Rank, (b.Length / delta.Rank, a.Length / delta.Rank), delta.Scale);
    }

    private static DoraMatrix Of(DoraDelta delta, TargetWeight weight)
    {
        var factors = Of(delta.Factors);
        return new DoraMatrix(factors, delta.Magnitude.ToFloats(), Rows(delta.Layer, factors, weight), delta.ZeroNorm);
    }

    // The canonical rows of an embedding are the columns of its weight: it is turned once.
    private static RowReader Rows(LayerKind layer, LowRank factors, TargetWeight weight)
    {
        if (layer != LayerKind.Embedding)
            return (first, values) => Read(weight, (long)first * factors.Columns, values);

        var turned = new Lazy<float[]>(() =>
        {
            var (stored, canonical) = (new float[factors.Count], new float[factors.Count]);
            weight.Read(0, stored);
            Transposition.Transpose(stored, factors.Columns, factors.Rows, canonical);
            return canonical;
        });
        return (first, values) => TensorPrimitives.ConvertTruncating<float, double>(
            turned.Value.AsSpan(first * factors.Columns, values.Length), values);
    }

    private static void Read(TargetWeight weight, long first, Span<double> values)
    {
        var floats = new float[values.Length];
        weight.Read(first, floats);
        TensorPrimitives.ConvertTruncating<float, double>(floats, values);
    }

    private static double[] Doubles(Tensor tensor)
    {
        var floats = tensor.ToFloats();
        return Array.ConvertAll(floats, value => (double)value);
    }
}
