using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scale · W₁ ⊗ W₂, the Kronecker product (LoKr, arXiv:2212.10650) with W₁ [l, m] and W₂ [k, n, kernel…], reshaped to the
/// weight. A full W₂ of three dimensions (Conv1d) is multiplied as torch.kron does it: W₁ gets a dimension in front, so that
/// [k, l · n, m · kernel] is what is reshaped.
/// </summary>
public sealed class LokrDelta : Delta
{
    private readonly ThinFactors _first;
    private readonly ThinFactors _second;

    internal LokrDelta(ThinFactors first, ThinFactors second, double scale)
    {
        (_first, _second) = (first, second);
        Scale = scale;
    }

    /// <inheritdoc/>
    public override string Method => "lokr";

    /// <inheritdoc/>
    public override LayerKind Layer => Kernel is null ? LayerKind.Linear : LayerKind.Convolution;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => Math.Max(_first.Rank, _second.Rank);

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => $"{_first.Rows * _second.Rows} rows of {_first.Columns * _second.Columns} elements";

    private bool IsLeftPadded => _second is { Right: null, Left.Shape.Rank: 3 };

    private long? Kernel => _second.Core is not null ? _second.KernelLength
        : _second is { Right: null, Left.Shape.Rank: > 2 } ? _second.Columns / _second.Left.Shape[1]
        : null;

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight)
    {
        if (weight.Rank < 2 || (IsLeftPadded && weight.Rank != 3) || (Kernel is not null && weight.Rank < 3))
            return false;

        var columns = checked(_first.Columns * _second.Columns);
        return weight[0] == checked(_first.Rows * _second.Rows) && weight.RowLength == columns &&
            (Kernel is not { } kernel || weight[1] * kernel == columns);
    }

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => _first.PreparedBytes + _second.PreparedBytes;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (first, second) = (_first.ToMatrix(), _second.ToMatrix());
        return IsLeftPadded
            ? new PaddedRows(first, second, ((int)_first.Rows, (int)Kernel!), (float)Scale)
            : new Rows(first, second, _second.Rows, (float)Scale);
    }

    private sealed class Rows(ThinMatrix first, ThinMatrix second, long inner, float scale)
        : ComputedBlocks(first.Columns * second.Columns, first.Columns + second.Columns)
    {
        protected override void Compute(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            var width = second.Columns;
            for (int at = 0, count; at < delta.Length; at += count * Columns, row += count)
            {
                // As far as one row of the first factor goes.
                count = (int)Math.Min((delta.Length - at) / Columns, inner - (row % inner));
                var left = first.Rows(row / inner, scratch[..first.Columns]);
                var right = second.Rows(row % inner, scratch.Slice(first.Columns, count * width));
                for (var index = 0; index < count * left.Length; index++)
                {
                    var (own, column) = (index / left.Length, index % left.Length);
                    TensorPrimitives.Multiply(
                        right.Slice(own * width, width), left[column] * scale, delta.Slice(at + (index * width), width));
                }
            }
        }
    }

    private sealed class PaddedRows(ThinMatrix first, ThinMatrix second, (int Rows, int Kernel) size, float scale)
        : ComputedRows(first.Columns * second.Columns, first.Columns + second.Columns)
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            var left = first.Rows(row % size.Rows, scratch[..first.Columns]);
            var right = second.Rows(row / size.Rows, scratch.Slice(first.Columns, second.Columns));
            for (var at = 0; at < delta.Length; at += size.Kernel)
            {
                var (input, column) = (at / (left.Length * size.Kernel), at / size.Kernel % left.Length);
                TensorPrimitives.Multiply(
                    right.Slice(input * size.Kernel, size.Kernel), left[column] * scale, delta.Slice(at, size.Kernel));
            }
        }
    }
}

/// <summary>Reads LoKr: lokr_w1 and lokr_w2, each whole or as _a and _b, the second also with lokr_t2 in Tucker form.</summary>
public sealed class LokrMethod : AdapterMethod
{
    private const string Twice = "its factor is in the file whole and in parts";

    /// <inheritdoc/>
    public override string Name => "lokr";

    /// <inheritdoc/>
    public override string PeftType => "LOKR";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } =
        ["lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
    [
        "alpha", "alpha_pattern", "decompose_both", "decompose_factor", "module_dropout", "r", "rank_dropout", "rank_dropout_scale",
        "rank_pattern", "use_effective_conv2d",
    ];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings) => Require(config, findings, "r", "alpha");

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (First(parts) is not { } first || Second(parts) is not { } second)
            return [];

        if (!parts.IsSized(second.Left, first.Rows * (Int128)second.Rows, first.Columns * (Int128)second.Columns))
            return [];

        if (first.Rank > 0 && second.Rank > 0 && !parts.Check(first.Rank == second.Rank, second.Left, $"rank {first.Rank} as that of the first factor"))
            return [];

        // Two whole factors carry no rank; the scale is then the config's, as PEFT has it.
        var rank = Math.Max(first.Rank, second.Rank);
        var said = ModulePattern.Find(config.RankPattern, tensors.Module) ?? config.Rank;
        if (rank > 0)
            parts.CompareRank(config, rank);
        else if (said == 0)
            parts.Refuse(first.Left, "and its partner tell no rank and the config says 0");

        return rank == 0 && said == 0 ? [] : [new LokrDelta(first, second, parts.ScaleOf(config, "alpha", rank > 0 ? rank : said))];
    }

    private static ThinFactors? First(PartReader parts)
    {
        if (parts.Find("lokr_w1") is null && (parts.Find("lokr_w1_a") ?? parts.Find("lokr_w1_b")) is not null)
            return ThinFactors.Read(parts, "lokr_w1_a", "lokr_w1_b", core: "");

        return parts.None(Twice, "lokr_w1_a", "lokr_w1_b") && parts.Shaped("lokr_w1", "[l, m]", -1, -1) is { } whole
            ? new ThinFactors(whole)
            : null;
    }

    private static ThinFactors? Second(PartReader parts)
    {
        string[] pieces = ["lokr_w2_a", "lokr_w2_b", "lokr_t2"];
        if (parts.Find("lokr_w2") is null && pieces.Any(piece => parts.Find(piece) is not null))
            return ThinFactors.Read(parts, pieces[0], pieces[1], pieces[2]);

        return parts.None(Twice, pieces) && parts.Require("lokr_w2") is { } whole && parts.Check(whole.Shape.Rank is 2 or 3 or 4, whole, "[k, n, kernel…]")
            ? new ThinFactors(whole)
            : null;
    }
}
