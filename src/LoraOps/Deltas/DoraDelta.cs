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
    /// <exception cref="LoraOpsException">A norm is zero: PEFT would divide by it.</exception>
    public override void AddTo(Span<float> sum, ReadOnlySpan<float> weight, float factor)
    {
        var (coefficients, basis) = Factors.RowFactors();
        var directions = new Directions(coefficients, basis, Rank, (float)Scale);
        if (Layer == LayerKind.Embedding)
            AddByColumns(sum, weight, directions, factor);
        else
            AddByRows(sum, weight, directions, factor);
    }

    private void AddByRows(Span<float> sum, ReadOnlySpan<float> weight, Directions directions, float factor)
    {
        var magnitude = Magnitude.ToFloats();
        var columns = directions.Columns;
        var row = new float[columns];
        for (var index = 0; index < magnitude.Length; index++)
        {
            var w = weight.Slice(index * columns, columns);
            directions.Fill(index, w, row);
            var squares = 0.0;
            foreach (var value in row)
                squares += (double)value * value;

            var gain = (float)(magnitude[index] / Norm(squares, index));
            TensorPrimitives.Multiply(row, gain, row);
            AddDifference(sum.Slice(index * columns, columns), row, w, factor);
        }
    }

    private void AddByColumns(Span<float> sum, ReadOnlySpan<float> weight, Directions directions, float factor)
    {
        var magnitude = Magnitude.ToFloats();
        var columns = magnitude.Length;
        var squares = new double[columns];
        var row = new float[columns];
        for (var index = 0; index < directions.Rows; index++)
        {
            directions.Fill(index, weight.Slice(index * columns, columns), row);
            for (var column = 0; column < columns; column++)
                squares[column] += (double)row[column] * row[column];
        }

        var gains = new float[columns];
        for (var column = 0; column < columns; column++)
            gains[column] = (float)(magnitude[column] / Norm(squares[column], column));

        for (var index = 0; index < directions.Rows; index++)
        {
            var w = weight.Slice(index * columns, columns);
            directions.Fill(index, w, row);
            TensorPrimitives.Multiply(row, gains, row);
            AddDifference(sum.Slice(index * columns, columns), row, w, factor);
        }
    }

    private static void AddDifference(Span<float> sum, Span<float> merged, ReadOnlySpan<float> weight, float factor)
    {
        TensorPrimitives.Subtract(merged, weight, merged);
        TensorPrimitives.Multiply(merged, factor, merged);
        TensorPrimitives.Add(sum, merged, sum);
    }

    private double Norm(double squares, int index) => squares > 0
        ? Math.Sqrt(squares)
        : throw new LoraOpsException(AdapterProblems.ZeroNorm(_source.File, _source.Module.Value, index));

    private readonly record struct Directions(float[] Coefficients, float[] Basis, int Rank, float Scale)
    {
        public int Columns => Basis.Length / Rank;

        public int Rows => Coefficients.Length / Rank;

        public void Fill(int index, ReadOnlySpan<float> weight, Span<float> row)
        {
            LowRankUpdate.Row(row, Coefficients.AsSpan(index * Rank, Rank), Basis);
            TensorPrimitives.Multiply(row, Scale, row);
            TensorPrimitives.Add(weight, row, row);
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
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) =>
        config.UsesDora || tensors.Parts.ContainsKey(MagnitudePart);

    /// <inheritdoc/>
    public override Delta? Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var factors = LoraMethod.ReadFactors(tensors, config, findings);
        if (!tensors.Parts.TryGetValue(MagnitudePart, out var magnitude))
        {
            findings.Problems.Add(AdapterProblems.MagnitudeMissing(tensors.File, tensors.Module.Value));
            return null;
        }

        if (!config.UsesDora)
        {
            findings.Problems.Add(AdapterProblems.MagnitudeUnexpected(tensors.File, magnitude.Name));
            return null;
        }

        if (factors is null)
            return null;

        var expected = factors.B.Shape[0];
        if (magnitude.Shape.ElementCount == expected)
            return new DoraDelta(factors, magnitude, tensors);

        findings.Problems.Add(AdapterProblems.TensorInvalid(
            tensors.File, magnitude.Name, $"has shape {magnitude.Shape}, its module has {expected} outputs"));
        return null;
    }
}
