using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = W ⊙ (B · A) (HiRA, ICLR 2025); embeddings: W ⊙ (B · A)ᵀ; convolutions: over the flattened rows, as in LoRA.
/// </summary>
public sealed class HiraDelta : Delta
{
    private readonly Tensor _a;
    private readonly Tensor _b;

    internal HiraDelta(LayerKind layer, Tensor a, Tensor b)
    {
        (Layer, _a, _b) = (layer, a, b);
        Rank = checked((int)a.Shape[0]);
        WeightShape = layer == LayerKind.Embedding
            ? new TensorShape(a.Shape[1], b.Shape[0])
            : new TensorShape([b.Shape[0], .. a.Shape.Dims[1..]]);
    }

    /// <inheritdoc/>
    public override string Method => "hira";

    /// <inheritdoc/>
    public override LayerKind Layer { get; }

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        ThinMatrix.PreparedBytes(WeightShape[0], WeightShape.RowLength, Rank) +
        (Layer == LayerKind.Embedding ? sizeof(float) * Rank * WeightShape[0] : 0);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (a, b) = (_a.ToFloats(), _b.ToFloats());
        if (Layer != LayerKind.Embedding)
            return new Rows(new ThinMatrix(b, a, Rank));

        var (coefficients, basis) = (new float[a.Length], new float[b.Length]);
        Transposition.Transpose(a, Rank, a.Length / Rank, coefficients);
        Transposition.Transpose(b, b.Length / Rank, Rank, basis);
        return new Rows(new ThinMatrix(coefficients, basis, Rank));
    }

    private sealed class Rows(ThinMatrix product) : ComputedBlocks(product.Columns)
    {
        protected override void Compute(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch) =>
            TensorPrimitives.Multiply(product.Rows(row, delta), weight, delta);
    }
}

/// <summary>Reads HiRA: hira_A and hira_B, or hira_embedding_A and hira_embedding_B.</summary>
public sealed class HiraMethod : AdapterMethod
{
    private const string FactorA = "hira_A";
    private const string FactorB = "hira_B";
    private const string EmbeddingA = "hira_embedding_A";
    private const string EmbeddingB = "hira_embedding_B";

    /// <inheritdoc/>
    public override string Name => "hira";

    /// <inheritdoc/>
    public override string PeftType => "HIRA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [FactorA, FactorB, EmbeddingA, EmbeddingB];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["hira_dropout", "init_hira_weights", "r", "rank_pattern"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        var embeds = (parts.Find(EmbeddingA) ?? parts.Find(EmbeddingB)) is not null;
        if (embeds && !parts.None("its module is an embedding", FactorA, FactorB))
            return [];

        if (parts.Require(embeds ? EmbeddingA : FactorA) is not { } a || parts.Require(embeds ? EmbeddingB : FactorB) is not { } b)
            return [];

        // Left of B's 1×1 kernel, A's own may be of one to three dimensions.
        var dims = a.Shape.Rank;
        var fits = dims == b.Shape.Rank && dims >= 2 && dims <= (embeds ? 2 : 5) && b.Shape.Dims[2..].IndexOfAnyExcept(1) < 0;
        if (!parts.Check(fits, b, $"[out, r] or [out, r, 1…] to match its partner {a.Shape}"))
            return [];

        if (a.Shape[0] != b.Shape[1])
        {
            findings.Problems.Add(AdapterProblems.RankMismatch(tensors.File, (a.Name, a.Shape[0]), (b.Name, b.Shape[1])));
            return [];
        }

        parts.CompareRank(config, a.Shape[0]);
        return [new HiraDelta(embeds ? LayerKind.Embedding : dims > 2 ? LayerKind.Convolution : LayerKind.Linear, a, b)];
    }
}
