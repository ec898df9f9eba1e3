using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scale · (A₁ · B₁) ⊙ (A₂ · B₂) (LoHa, arXiv:2108.06098), for a convolution over its flattened rows or in Tucker form.
/// </summary>
public sealed class LohaDelta : Delta
{
    private readonly ThinFactors _first;
    private readonly ThinFactors _second;

    internal LohaDelta(ThinFactors first, ThinFactors second, double scale)
    {
        (_first, _second) = (first, second);
        Scale = scale;
    }

    /// <inheritdoc/>
    public override string Method => "loha";

    /// <inheritdoc/>
    public override LayerKind Layer => _first.Core is null ? LayerKind.Linear : LayerKind.Convolution;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => _first.Rank;

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => $"{_first.Rows} rows of {_first.Columns} elements";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank >= (_first.Core is null ? 2 : 3) && weight[0] == _first.Rows && weight.RowLength == _first.Columns &&
        (_first.Core is null || weight[1] == _first.Right!.Shape[1]);

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => _first.PreparedBytes + _second.PreparedBytes;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight) => new Rows(_first.ToMatrix(), _second.ToMatrix(), (float)Scale);

    private sealed class Rows(ThinMatrix first, ThinMatrix second, float scale) : ComputedBlocks(first.Columns, first.Columns)
    {
        protected override void Compute(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            first.Rows(row, delta);
            TensorPrimitives.Multiply(delta, second.Rows(row, scratch), delta);
            TensorPrimitives.Multiply(delta, scale, delta);
        }
    }
}

/// <summary>Reads LoHa: hada_w1_a, hada_w1_b, hada_w2_a and hada_w2_b, with hada_t1 and hada_t2 in Tucker form.</summary>
public sealed class LohaMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "loha";

    /// <inheritdoc/>
    public override string PeftType => "LOHA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
        ["alpha", "alpha_pattern", "module_dropout", "r", "rank_dropout", "rank_pattern", "use_effective_conv2d"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings) => Require(config, findings, "r", "alpha");

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if ((parts.Find("hada_t1") ?? parts.Find("hada_t2")) is not null && (parts.Require("hada_t1") is null || parts.Require("hada_t2") is null))
            return [];

        if (ThinFactors.Read(parts, "hada_w1_a", "hada_w1_b", "hada_t1") is not { } first ||
            ThinFactors.Read(parts, "hada_w2_a", "hada_w2_b", "hada_t2") is not { } second)
            return [];

        var fits = (first.Rank, first.Rows, first.Columns, first.Right!.Shape[1]) == (second.Rank, second.Rows, second.Columns, second.Right!.Shape[1]);
        if (!parts.Check(fits, second.Left, $"rank {first.Rank} and, with its partners, {first.Rows} rows of {first.Columns} elements"))
            return [];

        parts.CompareRank(config, first.Rank);
        return [new LohaDelta(first, second, parts.ScaleOf(config, "alpha", first.Rank))];
    }
}
