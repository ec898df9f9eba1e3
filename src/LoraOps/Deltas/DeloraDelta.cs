using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = B · diag(λ / (r · ‖Aᵢ‖ · ‖Bᵢ‖)) · A ⊙ ‖W‖ (DeLoRA, arXiv:2503.18225): every component has the same strength, and each input
/// the norm that its column of the base had. Norms count as 1e-4 at least, as in PEFT; they are summed in float64.
/// </summary>
public sealed class DeloraDelta : Delta
{
    private const double SmallestNorm = 1e-4;
    private readonly (Tensor A, Tensor B) _factors;
    private readonly Tensor _norms;

    internal DeloraDelta((Tensor A, Tensor B) factors, Tensor strength, Tensor norms)
    {
        (_factors, _norms) = (factors, norms);
        Rank = checked((int)factors.A.Shape[0]);
        Scale = strength.ToFloats()[0] / (double)Rank;
        WeightShape = new TensorShape(factors.B.Shape[0], factors.A.Shape[1]);
    }

    /// <inheritdoc/>
    public override string Method => "delora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <summary>λ / r</summary>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (a, b, norms) = (_factors.A.ToFloats(), _factors.B.ToFloats(), _norms.ToFloats());
        var gains = new double[Rank];
        for (var component = 0; component < Rank; component++)
            gains[component] = 1 / (Norm(a, component * norms.Length, 1, norms.Length) * Norm(b, component, Rank, b.Length / Rank));

        for (var index = 0; index < b.Length; index++)
            b[index] = (float)(b[index] * gains[index % Rank]);

        for (var component = 0; component < Rank; component++)
        {
            var row = a.AsSpan(component * norms.Length, norms.Length);
            TensorPrimitives.Multiply(row, norms, row);
        }

        return new ProductUpdate(b, a, Rank, Scale);
    }

    private static double Norm(float[] values, int first, int step, int count)
    {
        var squares = 0.0;
        for (var index = 0; index < count; index++)
            squares += (double)values[first + (index * step)] * values[first + (index * step)];

        return Math.Max(Math.Sqrt(squares), SmallestNorm);
    }
}

/// <summary>Reads DeLoRA: delora_A, delora_B, delora_lambda and delora_w_norm.</summary>
public sealed class DeloraMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "delora";

    /// <inheritdoc/>
    public override string PeftType => "DELORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["delora_A", "delora_B", "delora_lambda", "delora_w_norm"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["delora_lambda", "lambda_pattern", "module_dropout", "r", "rank_pattern"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped("delora_A", "[r, in]", -1, -1) is not { } a || parts.Shaped("delora_B", "[out, r]", -1, a.Shape[0]) is not { } b ||
            parts.Shaped("delora_lambda", "[1]", 1) is not { } strength || parts.Shaped("delora_w_norm", "[in]", a.Shape[1]) is not { } norms)
            return [];

        parts.CompareRank(config, a.Shape[0]);
        return [new DeloraDelta((a, b), strength, norms)];
    }
}
