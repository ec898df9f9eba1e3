using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// V = W + ΔW of the factors, rescaled to the magnitude: W' = m · V / ‖V‖ (DoRA, arXiv:2402.09353), and ΔW' = W' − W. The norm
/// is over each output row; for an embedding over the vocabulary, one for each column. Norms are summed in float64.
/// </summary>
public sealed class DoraDelta : Delta
{
    private const int BlockLength = 1 << 18;
    private const int CachedFloats = 1 << 16;
    private readonly ModuleTensors _source;

    internal DoraDelta(LoraDelta factors, Tensor magnitude, ModuleTensors source)
    {
        Factors = factors;
        Magnitude = magnitude;
        _source = source;
    }

    /// <inheritdoc/>
    public override string Method => "dora";

    /// <inheritdoc/>
    public override LayerKind Layer => Factors.Layer;

    /// <inheritdoc/>
    public override TensorShape WeightShape => Factors.WeightShape;

    /// <inheritdoc/>
    public override int Rank => Factors.Rank;

    /// <inheritdoc/>
    public override double Scale => Factors.Scale;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <summary>The low-rank part.</summary>
    public LoraDelta Factors { get; }

    /// <summary>The trained norms: as many elements as outputs, or as dimensions of an embedding.</summary>
    public Tensor Magnitude { get; }

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => (3 * base.PreparedBytes(weight)) +
        (sizeof(float) * Magnitude.Shape.ElementCount) +
        (Layer == LayerKind.Embedding ? (sizeof(float) * Math.Max(BlockLength, weight.RowLength)) + (sizeof(double) * weight.RowLength) : 0);

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">A norm is zero: PEFT would divide by it.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (coefficients, basis) = Factors.RowFactors();
        var product = new ProductUpdate(coefficients, basis, Rank, Scale);
        return Layer == LayerKind.Embedding
            ? new ScaledColumns(product, ColumnGains(product, weight))
            : new ScaledRows(product, Magnitude.ToFloats(), Norm);
    }

    /// <summary>
    /// m / ‖W + ΔW‖, what the layer's own output and the factors' are multiplied with together while the adapter is beside the weight and not
    /// in it: one for each output, or for each dimension of an embedding.
    /// </summary>
    /// <param name="weight">The base weight, of a shape that fits.</param>
    /// <exception cref="LoraOpsException">A norm is zero: PEFT would divide by it.</exception>
    public float[] Gains(TargetWeight weight)
    {
        var (coefficients, basis) = Factors.RowFactors();
        var product = new ProductUpdate(coefficients, basis, Rank, Scale);
        return Layer == LayerKind.Embedding ? ColumnGains(product, weight) : RowGains(product, weight);
    }

    private float[] RowGains(ProductUpdate product, TargetWeight weight)
    {
        var (gains, columns) = (Magnitude.ToFloats(), product.Columns);
        var block = new float[columns * Math.Clamp(BlockLength / columns, 1, gains.Length)];
        for (var first = 0; first < gains.Length; first += block.Length / columns)
        {
            var values = block.AsSpan(0, Math.Min(block.Length, (gains.Length - first) * columns));
            weight.Read((long)first * columns, values);
            product.AddTo(first, values, [], 1);
            for (var row = 0; row < values.Length / columns; row++)
            {
                var direction = values.Slice(row * columns, columns);
                gains[first + row] = (float)(gains[first + row] / Norm(DotProduct.Of(direction, direction), first + row));
            }
        }

        return gains;
    }

    private float[] ColumnGains(ProductUpdate product, TargetWeight weight)
    {
        var magnitude = Magnitude.ToFloats();
        var (rows, columns) = (weight.Shape[0], magnitude.Length);
        var squares = new double[columns];
        var block = new float[columns * (int)Math.Clamp(BlockLength / columns, 1, rows)];
        for (long first = 0, count; first < rows; first += count)
        {
            count = Math.Min(block.Length / columns, rows - first);
            var values = block.AsSpan(0, (int)count * columns);
            weight.Read(first * columns, values);
            product.AddTo(first, values, [], 1);
            for (; !values.IsEmpty; values = values[columns..])
            {
                for (var column = 0; column < columns; column++)
                    squares[column] += (double)values[column] * values[column];
            }
        }

        return [.. magnitude.Select((value, column) => (float)(value / Norm(squares[column], column)))];
    }

    /// <summary>What is wrong where W + ΔW is zero: PEFT would divide by its norm.</summary>
    internal LoraOpsException ZeroNorm(long index) => new(AdapterProblems.ZeroNorm(_source.File, _source.Module.Value, index));

    private double Norm(double squares, long index) => squares > 0 ? Math.Sqrt(squares) : throw ZeroNorm(index);

    // V = W + ΔW and V's gain, a few rows at a time, which stay in a second-level cache. W is taken from the sum before gain · V
    // is added: of one adapter alone the sum is then zero, and the result is rounded once.
    private abstract class Rescaled(ProductUpdate product) : RowUpdate
    {
        private readonly int _rowsAtOnce = Math.Max(4, CachedFloats / product.Columns / 4 * 4);

        public sealed override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var columns = product.Columns;
            var most = Math.Min(rows.Length, _rowsAtOnce * columns);
            var pooled = ArrayPool<float>.Shared.Rent(most);
            for (var at = 0; at < rows.Length; at += most)
            {
                var sum = rows[at..Math.Min(rows.Length, at + most)];
                var directions = pooled.AsSpan(0, sum.Length);
                var w = weight.Slice(at, sum.Length);
                w.CopyTo(directions);
                product.AddTo(first + (at / columns), directions, [], 1);
                TensorPrimitives.FusedMultiplyAdd(w, -factor, sum, sum);
                for (var own = 0; own < sum.Length; own += columns)
                    AddRow(first + ((at + own) / columns), directions.Slice(own, columns), sum.Slice(own, columns), factor);
            }

            ArrayPool<float>.Shared.Return(pooled);
        }

        protected abstract void AddRow(long index, Span<float> direction, Span<float> sum, float factor);
    }

    private sealed class ScaledRows(ProductUpdate product, float[] magnitude, Func<double, long, double> norm) : Rescaled(product)
    {
        protected override void AddRow(long index, Span<float> direction, Span<float> sum, float factor) =>
            TensorPrimitives.FusedMultiplyAdd(
                direction, (float)((double)factor * magnitude[index] / norm(DotProduct.Of(direction, direction), index)), sum, sum);
    }

    private sealed class ScaledColumns(ProductUpdate product, float[] gains) : Rescaled(product)
    {
        protected override void AddRow(long index, Span<float> direction, Span<float> sum, float factor)
        {
            TensorPrimitives.Multiply(direction, gains, direction);
            TensorPrimitives.FusedMultiplyAdd(direction, factor, sum, sum);
        }
    }
}

/// <summary>Reads DoRA: LoRA's factors and lora_magnitude_vector.</summary>
public sealed class DoraMethod : AdapterMethod
{
    private const string MagnitudePart = "lora_magnitude_vector";

    /// <inheritdoc/>
    public override string Name => "dora";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } =
        [LoraMethod.FactorA, LoraMethod.FactorB, LoraMethod.EmbeddingA, LoraMethod.EmbeddingB, MagnitudePart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) =>
        config.UsesDora || tensors.Parts.ContainsKey(MagnitudePart);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var factors = LoraMethod.ReadFactors(tensors, config, findings);
        if (!tensors.Parts.TryGetValue(MagnitudePart, out var magnitude))
        {
            findings.Problems.Add(AdapterProblems.MagnitudeMissing(tensors.File, tensors.Module.Value));
            return [];
        }

        if (!config.UsesDora)
        {
            findings.Problems.Add(AdapterProblems.MagnitudeUnexpected(tensors.File, magnitude.Name));
            return [];
        }

        if (factors is null)
            return [];

        var expected = factors.B.Shape[0];
        if (magnitude.Shape.ElementCount == expected)
            return [new DoraDelta(factors, magnitude, tensors)];

        findings.Problems.Add(AdapterProblems.TensorInvalid(
            tensors.File, magnitude.Name, $"has shape {magnitude.Shape}, its module has {expected} outputs"));
        return [];
    }
}
