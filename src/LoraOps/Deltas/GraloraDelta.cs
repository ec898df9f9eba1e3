using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW of k × k blocks, each with its own factors of rank ρ = r / k (GraLoRA, arXiv:2505.20355): block (j, n) is
/// scale · Σ over t below ρ of B[j, n·ρ + t, o] · A[n, i, j·ρ + t]; the hybrid form adds scale · B · A over the whole weight.
/// </summary>
public sealed class GraloraDelta : Delta
{
    private readonly (Tensor A, Tensor B) _blocks;
    private readonly (Tensor A, Tensor B)? _general;

    internal GraloraDelta((Tensor A, Tensor B) blocks, (Tensor A, Tensor B)? general, double alpha)
    {
        (_blocks, _general) = (blocks, general);
        var (a, b) = (blocks.A.Shape, blocks.B.Shape);
        Rank = checked((int)(a[2] + (general?.A.Shape[0] ?? 0)));
        Scale = alpha / Rank;
        WeightShape = new TensorShape(b[0] * b[2], a[0] * a[1]);
    }

    /// <inheritdoc/>
    public override string Method => "gralora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <summary>r and, in the hybrid form, the general part's rank.</summary>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight)
    {
        var (a, b) = (_blocks.A.Shape, _blocks.B.Shape);
        return (2 * sizeof(float) * (a.ElementCount + b.ElementCount)) + (a[0] * a[0] * PackedBasis.Bytes(a[2] / a[0], a[1])) +
            (_general is { } general ? ThinMatrix.PreparedBytes(WeightShape[0], WeightShape[1], general.A.Shape[0]) : 0);
    }

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var blocks = (int)_blocks.A.Shape[0];
        var general = _general is { } pair ? new ThinMatrix(pair.B.ToFloats(), pair.A.ToFloats(), (int)pair.A.Shape[0]) : null;
        var (columns, rank) = (checked((int)WeightShape[1]), (int)_blocks.A.Shape[2]);
        var (a, b, packed) = (Turned(_blocks.A), Turned(_blocks.B), new PackedBasis[blocks * blocks]);
        var (part, width) = (rank / blocks, columns / blocks);
        for (var index = 0; index < packed.Length; index++)
        {
            var (block, other) = (index / blocks, index % blocks);
            packed[index] = new PackedBasis(a.AsSpan(((other * rank) + (block * part)) * width, part * width), part);
        }

        return new Rows(packed, b, (blocks, rank, columns), (general, (float)Scale));
    }

    // [k, x, y] to [k, y, x], so that what one row needs lies together.
    private static float[] Turned(Tensor tensor)
    {
        var (count, rows, columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1], (int)tensor.Shape[2]);
        var (values, turned) = (tensor.ToFloats(), new float[tensor.Shape.ElementCount]);
        for (var block = 0; block < count; block++)
        {
            var range = new Range(block * rows * columns, (block + 1) * rows * columns);
            Transposition.Transpose(values.AsSpan(range), rows, columns, turned.AsSpan(range));
        }

        return turned;
    }

    // a [k, k] of [r / k, in / k], b [k, out / k, r]
    private sealed class Rows(PackedBasis[] a, float[] b, (int Blocks, int Rank, int Columns) size, (ThinMatrix? General, float Scale) rest)
        : ComputedBlocks(size.Columns)
    {
        protected override void Compute(long first, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            var (width, part, inner) = (Columns / size.Blocks, size.Rank / size.Blocks, b.Length / size.Rank / size.Blocks);
            delta.Clear();
            for (int at = 0, count, row = (int)first; at < delta.Length; at += count * Columns, row += count)
            {
                count = Math.Min((delta.Length - at) / Columns, inner - (row % inner));
                var steps = new RowSteps(count, Columns, size.Rank);
                for (var other = 0; other < size.Blocks; other++)
                {
                    FusedUpdate.Apply(
                        delta[(at + (other * width))..], b.AsSpan(checked((row * size.Rank) + (other * part))), a[(row / inner * size.Blocks) + other], steps);
                }
            }

            rest.General?.Add(first, delta);
            TensorPrimitives.Multiply(delta, rest.Scale, delta);
        }
    }
}

/// <summary>Reads GraLoRA: gralora_A and gralora_B, in the hybrid form with gralora_A_general and gralora_B_general.</summary>
public sealed class GraloraMethod : AdapterMethod
{
    private const string GeneralA = "gralora_A_general";
    private const string GeneralB = "gralora_B_general";

    /// <inheritdoc/>
    public override string Name => "gralora";

    /// <inheritdoc/>
    public override string PeftType => "GRALORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["gralora_A", "gralora_B", GeneralA, GeneralB];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["alpha", "gralora_dropout", "gralora_k", "hybrid_r", "r"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings) => Require(config, findings, "alpha");

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped("gralora_A", "[k, in / k, r]", -1, -1, -1) is not { } a ||
            parts.Shaped("gralora_B", "[k, r, out / k]", a.Shape[0], a.Shape[2], -1) is not { } b ||
            !parts.Check(a.Shape[2] % a.Shape[0] == 0, a, "a rank that the number of blocks divides") ||
            !parts.IsSized(a, b.Shape[0] * (Int128)b.Shape[2], a.Shape[0] * (Int128)a.Shape[1]))
            return [];

        (Tensor, Tensor)? general = null;
        if (config.Values.Count("hybrid_r", 0, least: 0) > 0 || (parts.Find(GeneralA) ?? parts.Find(GeneralB)) is not null)
        {
            if (parts.Shaped(GeneralA, "[r, in]", -1, a.Shape[0] * a.Shape[1]) is not { } wideA ||
                parts.Shaped(GeneralB, "[out, r]", b.Shape[0] * b.Shape[2], wideA.Shape[0]) is not { } wideB)
                return [];

            general = (wideA, wideB);
        }

        parts.CompareRank(config, a.Shape[2]);
        return [new GraloraDelta((a, b), general, config.Values.Number("alpha", 0))];
    }
}
