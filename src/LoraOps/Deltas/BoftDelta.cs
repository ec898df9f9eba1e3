using System.Buffers;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>
/// W' = (W · Mᵀ) ⊙ s with M = M_f … M₂ · M₁, each factor a block-diagonal rotation of permuted inputs (BOFT, arXiv:2311.06243).
/// Factor i works on chunks of 2ⁱ blocks, whose half blocks it takes in the order 0, 2, 4 …, 1, 3, 5 …. For a convolution
/// PEFT reads the weight's elements as a matrix [in · k · k, out] without transposing it and rotates its columns.
/// </summary>
public sealed class BoftDelta : Delta
{
    private readonly Tensor _rotations;
    private readonly Tensor _gains;

    internal BoftDelta(Tensor rotations, Tensor gains) => (_rotations, _gains) = (rotations, gains);

    /// <inheritdoc/>
    public override string Method => "boft";

    /// <inheritdoc/>
    public override LayerKind Layer => IsConvolution ? LayerKind.Convolution : LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => IsConvolution ? null : new TensorShape(Outputs, Inputs);

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <inheritdoc/>
    public override string Expected => IsConvolution ? $"[{Outputs}, in, k, k] with rows of {Inputs} elements" : $"[{Outputs}, {Inputs}]";

    // A gain [1, out] is a convolution's; of one output nothing tells, and it makes no difference to the numbers.
    private bool IsConvolution => _gains.Shape[0] == 1 && _gains.Shape[1] > 1;

    private long Outputs => _gains.Shape.ElementCount;

    private long Inputs => _rotations.Shape[1] * _rotations.Shape[2];

    private long Chunk => _rotations.Shape[2] << ((int)_rotations.Shape[0] - 1);

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.RowLength == Inputs && weight.Rank > 0 && weight[0] == Outputs &&
        (weight.Rank == 4 ? weight[2] == weight[3] && (IsConvolution || Outputs == 1) : weight.Rank == 2 && !IsConvolution);

    /// <inheritdoc/>
    public override long ColumnsOf(TensorShape weight) => weight.Rank == 4 ? Outputs : Inputs;

    /// <inheritdoc/>
    public override long RowGroupOf(TensorShape weight) => weight.Rank == 4 ? Chunk : 1;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        (_rotations.Shape.ElementCount * (sizeof(float) + sizeof(double))) + (Outputs * sizeof(float)) +
        (4 * sizeof(double) * _rotations.Shape[2] * _rotations.Shape[2]);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (size, stored) = ((int)_rotations.Shape[2], _rotations.ToFloats());
        var blocks = new double[stored.Length / (size * size)][];
        for (var index = 0; index < blocks.Length; index++)
        {
            var skew = new double[size * size];
            var values = stored.AsSpan(index * size * size, size * size);
            for (var at = 0; at < skew.Length; at++)
                skew[at] = 0.5 * ((double)values[at] - values[(at % size * size) + (at / size)]);

            blocks[index] = CayleyTransform.Exact(skew, size);
        }

        var butterfly = new Butterfly(blocks, size, (int)_rotations.Shape[0]);
        return weight.Shape.Rank == 4
            ? new ColumnRotation(butterfly, _gains.ToFloats(), (int)Chunk)
            : new RowRotation(butterfly, _gains.ToFloats(), (int)Inputs);
    }

    // The factors one after the other, in float64: their product would be dense in chunks.
    private sealed class Butterfly(double[][] blocks, int size, int factors)
    {
        public int Size => size;

        // values: one chunk or more, the first of them being chunk number first.
        public void Rotate(Span<double> values, Span<double> scratch, long firstBlock)
        {
            for (var factor = 0; factor < factors; factor++)
            {
                var level = (factor * (blocks.Length / factors)) + (int)firstBlock;
                for (var block = 0; block < values.Length / size; block++)
                    Rotate(values, scratch, (factor, block), blocks[level + block]);
            }
        }

        private void Rotate(Span<double> values, Span<double> scratch, (int Factor, int Block) place, double[] rotation)
        {
            var gathered = scratch[..size];
            var places = scratch.Slice(size, size);
            for (var index = 0; index < size; index++)
            {
                var from = Place((place.Block * size) + index, place.Factor);
                (gathered[index], places[index]) = (values[from], from);
            }

            for (var index = 0; index < size; index++)
            {
                var change = 0.0;
                for (var k = 0; k < size; k++)
                    change += rotation[(index * size) + k] * gathered[k];

                values[(int)places[index]] += change;
            }
        }

        // Where the permuted position comes from: the inverse of evens before odds, in half blocks.
        private int Place(int position, int factor)
        {
            if (factor == 0)
                return position;

            var half = size / 2;
            var chunk = size << factor;
            var (start, at) = (position / chunk * chunk, position % chunk / half);
            var evens = chunk / half / 2;
            var source = at % 2 == 0 ? at / 2 : evens + (at / 2);
            return start + (source * half) + (position % half);
        }
    }

    private sealed class RowRotation(Butterfly butterfly, float[] gains, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var buffer = ArrayPool<double>.Shared.Rent(columns + (2 * butterfly.Size));
            var values = buffer.AsSpan(0, columns);
            for (var at = 0; at < rows.Length; at += columns, first++)
            {
                for (var index = 0; index < columns; index++)
                    values[index] = weight[at + index];

                butterfly.Rotate(values, buffer.AsSpan(columns), 0);
                for (var index = 0; index < columns; index++)
                    rows[at + index] += (float)(factor * ((gains[first] * values[index]) - weight[at + index]));
            }

            ArrayPool<double>.Shared.Return(buffer);
        }
    }

    private sealed class ColumnRotation(Butterfly butterfly, float[] gains, int chunk) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var columns = gains.Length;
            var buffer = ArrayPool<double>.Shared.Rent(chunk + (2 * butterfly.Size));
            var values = buffer.AsSpan(0, chunk);
            for (var start = 0; start < rows.Length; start += chunk * columns)
            {
                var block = (first + (start / columns)) / butterfly.Size;
                for (var column = 0; column < columns; column++)
                {
                    for (var row = 0; row < chunk; row++)
                        values[row] = weight[start + (row * columns) + column];

                    butterfly.Rotate(values, buffer.AsSpan(chunk), block);
                    for (var row = 0; row < chunk; row++)
                    {
                        var at = start + (row * columns) + column;
                        rows[at] += (float)(factor * ((gains[column] * values[row]) - weight[at]));
                    }
                }
            }

            ArrayPool<double>.Shared.Return(buffer);
        }
    }
}

/// <summary>Reads BOFT: the blocks in boft_R and the gains in boft_s.</summary>
public sealed class BoftMethod : AdapterMethod
{
    private const string RotationPart = "boft_R";
    private const string GainPart = "boft_s";
    private const int LargestBlock = 1 << 14;
    private const int MostFactors = 24;

    /// <inheritdoc/>
    public override string Name => "boft";

    /// <inheritdoc/>
    public override string PeftType => "BOFT";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [RotationPart, GainPart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["boft_block_num", "boft_block_size", "boft_dropout", "boft_n_butterfly_factor"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        foreach (var missing in Parts.Where(part => !tensors.Parts.ContainsKey(part)))
        {
            findings.Problems.Add(AdapterProblems.PartnerMissing(
                tensors.File, tensors.Parts.Values.First().Name, tensors.Module.Parameter(missing)));
            return [];
        }

        var (rotations, gains) = (tensors.Parts[RotationPart], tensors.Parts[GainPart]);
        var problem = AreBlocks(rotations.Shape)
            ? gains.Shape.Rank == 2 && (gains.Shape[0] == 1 || gains.Shape[1] == 1) ? null : (gains, "[out, 1] or [1, out]")
            : ((Tensor, string)?)(rotations, "[factors, blocks, n, n] with an even n and blocks in multiples of 2 to the power factors - 1 if factors > 1");
        if (problem is not var (tensor, allowed))
            return [new BoftDelta(rotations, gains)];

        findings.Problems.Add(AdapterProblems.TensorInvalid(tensors.File, tensor.Name, $"has shape {tensor.Shape}; {allowed} is allowed"));
        return [];
    }

    private static bool AreBlocks(TensorShape shape) =>
        shape.Rank == 4 && shape[2] == shape[3] && shape[2] <= LargestBlock && shape[0] <= MostFactors &&
        (shape[0] == 1 || (shape[2] % 2 == 0 && shape[1] % (1L << (int)(shape[0] - 1)) == 0));
}
