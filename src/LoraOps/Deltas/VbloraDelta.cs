using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = B · A, both put together from a bank of vectors [V, L] that all layers share (VB-LoRA, arXiv:2405.15179): each piece of L
/// elements is a mixture of k vectors of the bank. A [r, in] has in / L pieces in a row, B [out, r] out / L pieces in a column.
/// </summary>
public sealed class VbloraDelta : Delta
{
    private readonly VbloraMixture _a;
    private readonly VbloraMixture _b;
    private readonly Tensor _bank;

    internal VbloraDelta(VbloraMixture a, VbloraMixture b, Tensor bank)
    {
        (_a, _b, _bank) = (a, b, bank);
        Rank = checked((int)a.Outer);
        WeightShape = new TensorShape(b.Outer * bank.Shape[1], a.Inner * bank.Shape[1]);
    }

    /// <inheritdoc/>
    public override string Method => "vblora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var bank = _bank.ToFloats();
        var length = checked((int)_bank.Shape[1]);
        var basis = _a.Pieces(bank, length);
        var pieces = _b.Pieces(bank, length);

        // [out / L, r, L] to [out / L · L, r].
        var coefficients = new float[pieces.Length];
        for (var index = 0; index < pieces.Length; index++)
        {
            var (block, rank, place) = (index / (Rank * length), index / length % Rank, index % length);
            coefficients[(((block * length) + place) * Rank) + rank] = pieces[index];
        }

        return new ProductUpdate(coefficients, basis, Rank, 1);
    }
}

/// <summary>Which vectors of the bank make each piece: all logits [outer, inner, V], of which the k largest count, or only these.</summary>
/// <param name="Values">The logits, or the softmax weights of the first k − 1 vectors.</param>
/// <param name="Indices">The k vectors [outer, inner, k]; null if there are logits.</param>
/// <param name="Count">k</param>
internal sealed record VbloraMixture(Tensor Values, Tensor? Indices, int Count)
{
    /// <summary>The pieces one above the other.</summary>
    public long Outer => Values.Shape[0];

    /// <summary>The pieces side by side.</summary>
    public long Inner => Values.Shape[1];

    /// <summary>The mixtures [outer, inner, length].</summary>
    public float[] Pieces(float[] bank, int length)
    {
        var count = checked((int)(Outer * Inner));
        var (values, indices) = (Values.ToFloats(), Indices is null ? null : IndexValues.Read(Indices));
        var pieces = new float[checked(count * length)];
        var stride = values.Length / count;
        for (var piece = 0; piece < count; piece++)
        {
            var mixture = indices is null
                ? OfLogits(values.AsSpan(piece * stride, stride))
                : OfWeights(values.AsSpan(piece * stride, stride), indices.AsSpan(piece * Count, Count));
            var target = pieces.AsSpan(piece * length, length);
            foreach (var (vector, weight) in mixture)
                TensorPrimitives.FusedMultiplyAdd(bank.AsSpan(vector * length, length), weight, target, target);
        }

        return pieces;
    }

    // Of equal logits the one that comes first wins; PyTorch leaves that open.
    private (int Vector, float Weight)[] OfLogits(ReadOnlySpan<float> logits)
    {
        var order = Enumerable.Range(0, logits.Length).ToArray();
        var keys = logits.ToArray();
        Array.Sort(order, (a, b) => keys[a] == keys[b] ? a.CompareTo(b) : keys[b].CompareTo(keys[a]));
        var powers = order.Take(Count).Select(index => Math.Exp((double)keys[index] - keys[order[0]])).ToArray();
        var sum = powers.Sum();
        return [.. powers.Select((power, place) => (order[place], (float)(power / sum)))];
    }

    // The weights sum to 1, so PEFT leaves out the last.
    private static (int Vector, float Weight)[] OfWeights(ReadOnlySpan<float> weights, ReadOnlySpan<long> vectors)
    {
        var mixture = new (int, float)[vectors.Length];
        var rest = 1.0;
        for (var place = 0; place < weights.Length; rest -= weights[place], place++)
            mixture[place] = ((int)vectors[place], weights[place]);

        mixture[^1] = ((int)vectors[^1], (float)rest);
        return mixture;
    }
}

/// <summary>Reads VB-LoRA: vblora_logits_A and vblora_logits_B, or their top-k, and once in a file vblora_vector_bank.</summary>
public sealed class VbloraMethod : AdapterMethod
{
    private const string Bank = "vblora_vector_bank";
    private const string Indices = "_topk_indices";
    private const string Weights = "_topk_weights";
    private static readonly string[] Factors = ["vblora_logits_A", "vblora_logits_B"];

    /// <inheritdoc/>
    public override string Name => "vblora";

    /// <inheritdoc/>
    public override string PeftType => "VBLORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } =
        [.. Factors, .. Factors.Select(factor => factor + Indices), .. Factors.Select(factor => factor + Weights)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SharedParts { get; } = [Bank];

    /// <inheritdoc/>
    public override IReadOnlyList<string> IndexParts { get; } = [.. Factors.Select(factor => factor + Indices)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
    [
        "init_logits_std", "init_vector_bank_bound", "num_vectors", "r", "save_only_topk_weights", "topk", "vblora_dropout", "vector_length",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(Bank, "[vectors, length]", -1, -1) is not { } bank)
            return [];

        var topk = config.Values.Count("topk", 2);
        if (Mixture(parts, Factors[0], bank, topk) is not { } a || Mixture(parts, Factors[1], bank, topk) is not { } b)
            return [];

        if (!parts.Check(a.Outer == b.Inner, b.Values, $"[out / length, {a.Outer}, …]") ||
            !parts.IsSized(bank, b.Outer * (Int128)bank.Shape[1], a.Inner * (Int128)bank.Shape[1]))
            return [];

        parts.CompareRank(config, a.Outer);
        return [new VbloraDelta(a, b, bank)];
    }

    private static VbloraMixture? Mixture(PartReader parts, string factor, Tensor bank, int topk)
    {
        if (parts.Find(factor) is not null || (parts.Find(factor + Indices) ?? parts.Find(factor + Weights)) is null)
        {
            return parts.None("the logits say the same", factor + Indices, factor + Weights) &&
                parts.Shaped(factor, "[pieces, pieces, vectors]", -1, -1, bank.Shape[0]) is { } logits &&
                parts.Check(logits.Shape[2] >= topk, logits, $"at least topk = {topk} vectors")
                ? new VbloraMixture(logits, null, topk)
                : null;
        }

        if (parts.Shaped(factor + Indices, "[pieces, pieces, k]", -1, -1, -1) is not { } indices)
            return null;

        var shape = indices.Shape;
        if (shape[2] == 1 || parts.Shaped(factor + Weights, "[pieces, pieces, k - 1]", shape[0], shape[1], shape[2] - 1) is not { } weights)
        {
            _ = shape[2] > 1 || parts.Refuse(indices, "names one vector for each piece; its weight would always be 1, and PEFT saves none");
            return null;
        }

        var isInside = IndexValues.Read(indices)?.All(vector => vector >= 0 && vector < bank.Shape[0]) == true;
        return isInside || parts.Refuse(indices, $"names vectors that the bank of {bank.Shape[0]} does not have")
            ? new VbloraMixture(weights, indices, (int)shape[2])
            : null;
    }
}
