using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Onnx.Mapping;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>
/// A change of a module's weight as two matrices that act beside the layer, y ← g ⊙ (y + x · A · B): float32, the scale folded into B.
/// Linear: A [in, r], B [r, out]. Embedding: A [vocabulary, r], B [r, dim]. Convolution: A [r, in, kernel…], B [out, r, 1…].
/// </summary>
/// <param name="Rank">The inner dimension.</param>
/// <param name="A">The first factor, row-major.</param>
/// <param name="B">The second factor, row-major.</param>
internal sealed record BranchFactors(int Rank, float[] A, float[] B)
{
    /// <summary>DoRA's g = m / ‖W + ΔW‖, one for each output; null if the method rescales nothing.</summary>
    public float[]? Gains { get; init; }

    /// <summary>Works the factors out. A method without thin factors gets the layer's full rank: exact, but as large as the weight.</summary>
    /// <param name="delta">What the adapter does to the weight; it knows its shape.</param>
    /// <param name="factor">The adapter's weight.</param>
    /// <param name="weight">The module's base weight; read only if the delta needs its values.</param>
    public static BranchFactors Of(Delta delta, double factor, TargetWeight weight) => delta switch
    {
        DoraDelta dora => Rescaled(Of(dora.Factors, 1, weight), dora.Gains(weight), factor, dora.Layer),
        GroupedLoraDelta grouped => Thin(grouped.Layer, grouped.Whole(), factor),
        { IsProduct: true } => Thin(delta.Layer, (ProductUpdate)delta.Prepare(weight), factor),
        _ => Full(delta, factor, weight),
    };

    /// <summary>A whole change of a weight in PyTorch's layout as factors, one of which is the identity.</summary>
    public static BranchFactors Of(LayerKind layer, int rows, float[] change)
    {
        var columns = change.Length / rows;
        return rows <= columns
            ? Thin(layer, new ProductUpdate(Identity(rows), change, rows, 1), 1)
            : Thin(layer, new ProductUpdate(change, Identity(columns), columns, 1), 1);
    }

    /// <summary>B with every output multiplied by its own factor, as a batch norm that was folded into the layer asks.</summary>
    public BranchFactors Times(IReadOnlyList<float> factors, LayerKind layer)
    {
        var scaled = new float[B.Length];
        for (var i = 0; i < B.Length; i++)
            scaled[i] = B[i] * factors[layer == LayerKind.Convolution ? i / Rank : i % factors.Count];

        return this with { B = scaled };
    }

    // y + w·(g ⊙ (y + d) − y) = g' ⊙ (y + d'), with g' = 1 + w·(g − 1) and d' = w·g/g' ⊙ d.
    private static BranchFactors Rescaled(BranchFactors factors, float[] gains, double factor, LayerKind layer)
    {
        if (factor == 1)
            return factors with { Gains = gains };

        var weighted = Array.ConvertAll(gains, gain => (float)(1 + (factor * (gain - 1.0))));
        var shares = gains.Zip(weighted, (gain, own) => (float)(factor * gain / own)).ToArray();
        return factors.Times(shares, layer) with { Gains = weighted };
    }

    private static BranchFactors Full(Delta delta, double factor, TargetWeight weight)
    {
        var change = new float[checked((int)weight.Shape.ElementCount)];
        delta.AddTo(change, weight, (float)factor);
        return Of(delta.Layer, checked((int)weight.Shape[0]), change);
    }

    private static BranchFactors Thin(LayerKind layer, ProductUpdate update, double factor)
    {
        var (rank, scale) = (update.Rank, update.Scale * factor);
        var rows = update.Coefficients.Length / rank;
        return layer switch
        {
            LayerKind.Convolution => new BranchFactors(rank, update.Basis, Scaled(update.Coefficients, scale)),
            LayerKind.Embedding => new BranchFactors(rank, update.Coefficients, Scaled(update.Basis, scale)),
            _ => new BranchFactors(rank, Turned(update.Basis, rank), Scaled(Turned(update.Coefficients, rows), scale)),
        };
    }

    private static float[] Scaled(float[] values, double scale) => scale == 1 ? values : Array.ConvertAll(values, value => (float)(value * scale));

    private static float[] Turned(float[] values, int rows) => StoredWeight.Transpose(values, rows, values.Length / rows);

    private static float[] Identity(int size)
    {
        var values = new float[checked(size * size)];
        for (var i = 0; i < size; i++)
            values[(i * size) + i] = 1;

        return values;
    }
}
