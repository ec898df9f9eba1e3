using LoraOps.Adapters;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>The delta of a method that has no two factors (LoHa, LoKr, rotations …): its rows as merging works them out, in float32.</summary>
internal sealed class AppliedDelta : DeltaMatrix
{
    private readonly Delta _delta;
    private readonly TargetWeight _weight;
    private readonly Lazy<RowUpdate> _update;
    private readonly Lazy<float[]> _turned;

    /// <summary>The delta of a weight of PyTorch's layout.</summary>
    public AppliedDelta(Delta delta, TargetWeight weight)
        : base(
            checked((int)weight.Shape[delta.Layer == LayerKind.Embedding ? 1 : 0]),
            checked((int)(delta.Layer == LayerKind.Embedding ? weight.Shape[0] : weight.Shape.RowLength)))
    {
        (_delta, _weight) = (delta, weight);
        _update = new Lazy<RowUpdate>(() => delta.Prepare(weight));
        _turned = new Lazy<float[]>(Turn);
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        // Rows that depend on one another are worked out together, and the rows of an embedding are the columns of its weight.
        var (from, floats) = ((long)first * Columns, _delta.Layer == LayerKind.Embedding ? _turned.Value : null);
        if (floats is not null)
        {
            Widen(floats.AsSpan((int)from, values.Length), values);
            return;
        }

        var group = _delta.RowGroupOf(_weight.Shape) * _delta.ColumnsOf(_weight.Shape);
        var begin = from / group * group;
        var end = Math.Min(_weight.Shape.ElementCount, (from + values.Length + group - 1) / group * group);
        Widen(Apply(begin, checked((int)(end - begin))).AsSpan((int)(from - begin), values.Length), values);
    }

    private float[] Apply(long begin, int length)
    {
        var (rows, weight) = (new float[length], new float[_delta.NeedsWeight ? length : 0]);
        if (_delta.NeedsWeight)
            _weight.Read(begin, weight);

        _update.Value.AddTo(begin / _delta.ColumnsOf(_weight.Shape), rows, weight, 1);
        return rows;
    }

    private float[] Turn()
    {
        var (stored, turned) = (Apply(0, checked((int)Count)), new float[Count]);
        Transposition.Transpose(stored, Columns, Rows, turned);
        return turned;
    }

    private static void Widen(ReadOnlySpan<float> floats, Span<double> values)
    {
        for (var index = 0; index < floats.Length; index++)
            values[index] = floats[index];
    }
}
