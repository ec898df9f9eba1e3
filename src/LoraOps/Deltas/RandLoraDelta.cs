using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scale · P · Q, or its transpose if the weight has fewer outputs than inputs (RandLoRA, arXiv:2502.00987): a sum of n = ⌈s / r⌉
/// products of random matrices that all layers share, where s is the smaller side. P is B [largest, n, r] with the last two
/// dimensions flattened; row ρ · n + ν of Q [r · n, s] is λ[ρ, ν] · A[ρ] ⊙ γ[ν]. The two orders differ: column k of P meets row k of Q.
/// </summary>
public sealed class RandLoraDelta : Delta
{
    private readonly RandLoraTensors _tensors;

    internal RandLoraDelta(RandLoraTensors tensors, double alpha)
    {
        _tensors = tensors;
        Rank = checked((int)tensors.Lambda.Shape[0]);
        Scale = alpha / Rank;
    }

    /// <inheritdoc/>
    public override string Method => "randlora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => $"a smaller side of {_tensors.Gamma.Shape[1]} and a larger one of at most {_tensors.B.Shape[0]}";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank == 2 && Math.Min(weight[0], weight[1]) == _tensors.Gamma.Shape[1] && Math.Max(weight[0], weight[1]) <= _tensors.B.Shape[0];

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        sizeof(float) * ((Rank * _tensors.Gamma.Shape[1]) + _tensors.Gamma.Shape.ElementCount + _tensors.Lambda.Shape.ElementCount);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (side, last) = ((int)_tensors.Gamma.Shape[1], (int)_tensors.A.Shape[2]);
        var (wide, a) = (_tensors.A.ToFloats(), new float[Rank * side]);
        for (var row = 0; row < Rank; row++)
            wide.AsSpan(row * last, side).CopyTo(a.AsSpan(row * side));

        var factors = new RandLoraFactors(_tensors.B, _tensors.Lambda.ToFloats(), a, _tensors.Gamma.ToFloats(), side);
        return weight.Shape[1] == side
            ? new Rows(factors, (float)Scale)
            : new Columns(factors, checked((int)weight.Shape[1]), (float)Scale);
    }

    // Row o of P · Q: Σ over ν of γ[ν] ⊙ Σ over ρ of P[o, ρ·n + ν] · λ[ρ, ν] · A[ρ].
    private sealed class Rows(RandLoraFactors factors, float scale) : ComputedRows(factors.Side, factors.Side + (2 * factors.Inner))
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            var sum = scratch[..factors.Side];
            var line = scratch.Slice(factors.Side, factors.Inner);
            var coefficients = scratch.Slice(factors.Side + factors.Inner, factors.Rank);
            factors.ReadLine(row, line);
            delta.Clear();
            for (var part = 0; part < factors.Count; part++)
            {
                for (var rank = 0; rank < factors.Rank; rank++)
                    coefficients[rank] = line[(rank * factors.Count) + part] * factors.Lambda[(rank * factors.Count) + part];

                LowRankUpdate.Row(sum, coefficients, factors.A);
                TensorPrimitives.FusedMultiplyAdd(sum, factors.Gamma.AsSpan(part * factors.Side, factors.Side), delta, delta);
            }

            TensorPrimitives.Multiply(delta, scale, delta);
        }
    }

    // The transpose: a block of rows of ΔW is a block of columns of Q, and every row of P gives one column of the block.
    private sealed class Columns(RandLoraFactors factors, int columns, float scale) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var count = rows.Length / columns;
            var buffer = ArrayPool<float>.Shared.Rent(((factors.Inner + 2) * count) + factors.Inner);
            try
            {
                var columnsOfQ = buffer.AsSpan(0, factors.Inner * count);
                var sum = buffer.AsSpan(columnsOfQ.Length, count);
                var part = buffer.AsSpan(columnsOfQ.Length + count, count);
                var line = buffer.AsSpan(columnsOfQ.Length + (2 * count), factors.Inner);
                factors.ColumnsOfQ((int)first, count, columnsOfQ);
                for (var column = 0; column < columns; column++)
                {
                    factors.ReadLine(column, line);
                    sum.Clear();
                    for (var at = 0; at < factors.Inner; at += factors.Rank)
                    {
                        LowRankUpdate.Row(part, line.Slice(at, factors.Rank), columnsOfQ.Slice(at * count, factors.Rank * count));
                        TensorPrimitives.Add(sum, part, sum);
                    }

                    for (var row = 0; row < count; row++)
                        rows[(row * columns) + column] = MathF.FusedMultiplyAdd(sum[row] * scale, factor, rows[(row * columns) + column]);
                }
            }
            finally
            {
                ArrayPool<float>.Shared.Return(buffer);
            }
        }
    }
}

/// <summary>The tensors of one layer and the shared ones.</summary>
/// <param name="Lambda">[r, n]</param>
/// <param name="Gamma">[n, s]</param>
/// <param name="A">[r, 1, at least s]</param>
/// <param name="B">[at least the larger side, at least n, r]</param>
internal sealed record RandLoraTensors(Tensor Lambda, Tensor Gamma, Tensor A, Tensor B);

/// <summary>The decoded factors; B, which is as large as a weight, stays in its file.</summary>
internal sealed class RandLoraFactors(Tensor b, float[] lambda, float[] a, float[] gamma, int side)
{
    /// <summary>s, the smaller side.</summary>
    public int Side => side;

    /// <summary>r</summary>
    public int Rank { get; } = a.Length / side;

    /// <summary>n, the number of products.</summary>
    public int Count { get; } = gamma.Length / side;

    /// <summary>n · r</summary>
    public int Inner => Rank * Count;

    /// <summary>[r, n]</summary>
    public float[] Lambda => lambda;

    /// <summary>[r, s]</summary>
    public float[] A => a;

    /// <summary>[n, s]</summary>
    public float[] Gamma => gamma;

    /// <summary>Reads one row of P [largest, n · r].</summary>
    public void ReadLine(long row, Span<float> line) => b.ReadFloats(row * b.Shape.RowLength, line);

    /// <summary>Columns of Q, [n · r, count].</summary>
    public void ColumnsOfQ(int first, int count, Span<float> columns)
    {
        for (var row = 0; row < Inner; row++)
        {
            var target = columns.Slice(row * count, count);
            var (rank, part) = (row / Count, row % Count);
            TensorPrimitives.Multiply(a.AsSpan((rank * side) + first, count), gamma.AsSpan((part * side) + first, count), target);
            TensorPrimitives.Multiply(target, lambda[row], target);
        }
    }
}

/// <summary>Reads RandLoRA: randlora_lambda, randlora_gamma and, once in a file, randlora_A and randlora_B.</summary>
public sealed class RandLoraMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "randlora";

    /// <inheritdoc/>
    public override string PeftType => "RANDLORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["randlora_lambda", "randlora_gamma"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SharedParts { get; } = ["randlora_A", "randlora_B"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
        ["projection_prng_key", "r", "randlora_alpha", "randlora_dropout", "save_projection", "sparse", "very_sparse"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        Require(config, findings, "randlora_alpha");
        if (!config.Values.Flag("save_projection", fallback: true))
        {
            findings.Problems.Add(AdapterProblems.VariantRefused(
                config.Values.File,
                "save_projection",
                "the random matrices were not saved, and PEFT draws them in a type that depends on the machine",
                "Save the adapter with save_projection=true on the machine that trained it."));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (!config.Values.Flag("save_projection", fallback: true) || parts.Shaped("randlora_lambda", "[r, n]", -1, -1) is not { } lambda)
            return [];

        var (rank, count) = (lambda.Shape[0], lambda.Shape[1]);
        if (parts.Shaped("randlora_gamma", "[n, in or out]", count, -1) is not { } gamma ||
            parts.Shaped("randlora_A", "[r, 1, in or out]", rank, 1, -1) is not { } a ||
            parts.Shaped("randlora_B", "[in or out, n, r]", -1, -1, rank) is not { } b)
            return [];

        var side = gamma.Shape[1];
        if (!parts.Check(count == (side + rank - 1) / rank, gamma, $"[n, in or out] where n = {count} is the number of {rank}s in it, rounded up,") ||
            !parts.Check(a.Shape[2] >= side, a, $"at least [{rank}, 1, {side}]") ||
            !parts.Check(b.Shape[1] >= count, b, $"at least [in or out, {count}, {rank}]"))
            return [];

        parts.CompareRank(config, rank);
        return [new RandLoraDelta(new RandLoraTensors(lambda, gamma, a, b), config.Values.Number("randlora_alpha", 0))];
    }
}
