using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>ΔW = W ⊙ A + B (GLoRA, arXiv:2306.07967); each of A and B is a product, one value for each output, or one value.</summary>
public sealed class GloraDelta : Delta
{
    private readonly GloraPath? _gain;
    private readonly GloraPath? _shift;

    internal GloraDelta(GloraPath? gain, GloraPath? shift)
    {
        (_gain, _shift) = (gain, shift);
        Rank = Math.Max(gain?.Rank ?? 0, shift?.Rank ?? 0);
    }

    /// <inheritdoc/>
    public override string Method => "glora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => (_gain?.Inputs, _gain?.Outputs) is ({ } inputs, { } outputs) ? new TensorShape(outputs, inputs) : null;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <inheritdoc/>
    public override string Expected => $"[{_gain?.Outputs?.ToString() ?? "any"}, {_gain?.Inputs?.ToString() ?? "any"}]";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank == 2 && _gain?.Fits(weight[0], weight[1]) != false && _shift?.Fits(weight[0], weight[1]) != false;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        weight.Rank == 0 ? 0 : 2 * ThinMatrix.PreparedBytes(weight[0], weight.RowLength, Rank + 2);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rows, columns) = (checked((int)weight.Shape[0]), checked((int)weight.Shape[1]));
        return new Rows(_gain?.ToMatrix(rows, columns), _shift?.ToMatrix(rows, columns), columns);
    }

    private sealed class Rows(ThinMatrix? gain, ThinMatrix? shift, int width) : ComputedBlocks(width)
    {
        protected override void Compute(long first, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            if (gain is null)
                delta.Clear();
            else
                TensorPrimitives.Multiply(gain.Rows(first, delta), weight, delta);

            shift?.Add(first, delta);
        }
    }
}

/// <summary>Δb = b ⊙ D + E + W · C, where W is the weight before the merge.</summary>
internal sealed class GloraBiasDelta(GloraPath? pooled, GloraPath? gain, GloraPath? shift, string file) : Delta
{
    private const int BlockLength = 1 << 18;

    public override string Method => "glora";

    public override LayerKind Layer => LayerKind.Linear;

    public override string Parameter => "bias";

    public override TensorShape? WeightShape => gain?.Outputs is { } outputs ? new TensorShape(outputs) : null;

    public override int Rank => pooled?.Rank ?? 0;

    public override double Scale => 1;

    public override bool NeedsWeight => true;

    public override string Expected => "one dimension, as many elements as the weight has rows";

    public override bool Fits(TensorShape weight) => weight.Rank == 1 && gain?.Fits(weight[0], 1) != false && shift?.Fits(weight[0], 1) != false;

    public override long PreparedBytes(TensorShape weight) => (sizeof(float) * BlockLength) + (3 * sizeof(float) * weight.ElementCount);

    public override RowUpdate Prepare(TargetWeight weight)
    {
        var count = checked((int)weight.Shape[0]);
        var shifts = shift?.ToVector(count) ?? new float[count];
        if (pooled is not null && weight.Sibling("weight") is { } matrix)
            TensorPrimitives.Add(shifts, Pooled(matrix, count), shifts);

        return new Rows(gain?.ToVector(count) ?? new float[count], shifts);
    }

    // W · C, block by block, summed in float64.
    private float[] Pooled(TargetWeight matrix, int count)
    {
        var columns = checked((int)matrix.Shape.RowLength);
        if (matrix.Shape.Rank != 2 || matrix.Shape[0] != count || !pooled!.Fits(columns, 1))
            throw new LoraOpsException(AdapterProblems.TensorInvalid(
                file, pooled!.Left.Name, $"has shape {pooled.Left.Shape}; the weight {matrix.Shape} and the bias [{count}] of its module do not fit it"));

        var weights = pooled.ToVector(columns);
        var (result, row) = (new float[count], new float[columns]);
        for (var index = 0; index < count; index++)
        {
            matrix.Read((long)index * columns, row);
            var sum = 0.0;
            for (var column = 0; column < columns; column++)
                sum += (double)row[column] * weights[column];

            result[index] = (float)sum;
        }

        return result;
    }

    private sealed class Rows(float[] gains, float[] shifts) : ComputedRows(1)
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch) =>
            delta[0] = MathF.FusedMultiplyAdd(weight[0], gains[row], shifts[row]);
    }
}

/// <summary>One of GLoRA's five tensors, in the form that the config says.</summary>
/// <param name="Left">[rows, r], [rows, 1] or [rows], or [1] for a constant.</param>
/// <param name="Right">[r, columns], or null.</param>
/// <param name="IsConstant">True for a constant.</param>
internal sealed record GloraPath(Tensor Left, Tensor? Right, bool IsConstant)
{
    /// <summary>The rank of a product, else 0.</summary>
    public int Rank => Right is null ? 0 : (int)Right.Shape[0];

    /// <summary>The rows, if it tells them.</summary>
    public long? Outputs => IsConstant ? null : Left.Shape[0];

    /// <summary>The columns, if it tells them.</summary>
    public long? Inputs => Right?.Shape[1];

    /// <summary>True if it can be spread over a matrix of this size.</summary>
    public bool Fits(long rows, long columns) => (Outputs ?? rows) == rows && (Inputs ?? columns) == columns;

    /// <summary>As a matrix of which rows can be taken.</summary>
    public ThinMatrix ToMatrix(int rows, int columns)
    {
        var left = IsConstant ? Repeated(rows) : Left.ToFloats();
        var ones = new float[columns];
        Array.Fill(ones, 1);
        return Right is null ? new ThinMatrix(left, ones, 1) : new ThinMatrix(left, Right.ToFloats(), Rank);
    }

    /// <summary>As a vector.</summary>
    public float[] ToVector(int count)
    {
        var (result, matrix) = (new float[count], ToMatrix(count, 1));
        matrix.Add(0, result);
        return result;
    }

    private float[] Repeated(int count)
    {
        var values = new float[count];
        Array.Fill(values, Left.ToFloats()[0]);
        return values;
    }
}
