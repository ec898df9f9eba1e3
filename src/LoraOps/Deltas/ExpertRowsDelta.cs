using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>LoRA of one expert's own layer, on the rows of a fused parameter [experts, out, in] that hold this layer.</summary>
public sealed class ExpertRowsDelta : Delta
{
    private readonly LoraDelta _layer;
    private readonly int _expert;
    private readonly int _part;
    private readonly int _parts;

    internal ExpertRowsDelta(LoraDelta layer, string parameter, int expert, int part, int parts)
    {
        (_layer, _expert, _part, _parts) = (layer, expert, part, parts);
        Parameter = parameter;
    }

    /// <inheritdoc/>
    public override string Method => _layer.Method;

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Experts;

    /// <inheritdoc/>
    public override string Parameter { get; }

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => _layer.Rank;

    /// <inheritdoc/>
    public override double Scale => _layer.Scale;

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => string.Create(
        CultureInfo.InvariantCulture, $"[more than {_expert}, {_layer.WeightShape[0] * _parts}, {_layer.WeightShape[1]}]");

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == 3 && weight[0] > _expert &&
        weight[1] == _layer.WeightShape[0] * _parts && weight[2] == _layer.WeightShape[1];

    /// <inheritdoc/>
    public override long ColumnsOf(TensorShape weight) => weight[-1];

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => _layer.PreparedBytes(_layer.WeightShape);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var start = ((_expert * (long)_parts) + _part) * _layer.WeightShape[0];
        return new PlacedRows(_layer.Prepare(weight), start, _layer.WeightShape[0], checked((int)_layer.WeightShape[1]));
    }

    private sealed class PlacedRows(RowUpdate inner, long start, long count, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var from = Math.Max(first, start);
            var to = Math.Min(first + (rows.Length / columns), start + count);
            if (from < to)
                inner.AddTo(from - start, rows[(int)((from - first) * columns)..(int)((to - first) * columns)], [], factor);
        }
    }
}
