using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using MathNet.Numerics.LinearAlgebra;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// W' = W without its r smallest singular parts + scale · B · diag(d) · A (KaSA, arXiv:2412.06071). The parts that go are
/// W · V · Vᵀ of the r last singular vectors, so ΔW is a product of rank 2r. They are found in float64 from the whole weight.
/// </summary>
public sealed class KasaDelta : Delta
{
    /// <summary>The most multiplications that the search for the smallest singular parts may take, about: some minutes.</summary>
    internal const long MostWork = 1L << 33;

    private readonly ModuleTensors _source;

    internal KasaDelta(LoraDelta factors, Tensor diagonal, ModuleTensors source)
    {
        Factors = factors;
        Diagonal = diagonal;
        _source = source;
    }

    /// <inheritdoc/>
    public override string Method => "kasa";

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

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <summary>The low-rank part.</summary>
    public LoraDelta Factors { get; }

    /// <summary>[r]: what stands between the factors.</summary>
    public Tensor Diagonal { get; }

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight)
    {
        var thin = Math.Min(weight[0], weight.RowLength);
        return (sizeof(float) * 2L * Rank * (weight[0] + weight.RowLength)) + (sizeof(double) * ((2 * weight.ElementCount) + (4 * thin * thin)));
    }

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The weight is too large for the decomposition.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rows, columns) = (weight.Shape[0], weight.Shape[1]);
        if (rows > MostWork / columns / Math.Min(rows, columns))
            throw new LoraOpsException(AdapterProblems.TooLargeToDecompose(_source.File, _source.Module.Value, weight.Shape.ToString()));

        var smallest = SmallestParts(weight, checked((int)rows), checked((int)columns));
        return new ProductUpdate(Coefficients(smallest.Left, (int)rows), [.. Factors.A.ToFloats(), .. smallest.Right], 2 * Rank, 1);
    }

    // [rows, 2r]: the outputs' factor with scale and diagonal, then what is taken away.
    private float[] Coefficients(double[,] left, int rows)
    {
        var (b, diagonal) = (Factors.B.ToFloats(), Diagonal.ToFloats());
        var result = new float[rows * 2 * Rank];
        for (var row = 0; row < rows; row++)
        {
            for (var k = 0; k < Rank; k++)
            {
                result[(row * 2 * Rank) + k] = (float)((double)b[(row * Rank) + k] * diagonal[k] * Scale);
                result[(row * 2 * Rank) + Rank + k] = (float)-left[row, k];
            }
        }

        return result;
    }

    // What has no decomposition: the merge sees that its sum is not finite, and names the base's tensor.
    private double[,] NotANumber(int rows)
    {
        var left = new double[rows, Rank];
        for (var index = 0; index < left.Length; index++)
            left[index / Rank, index % Rank] = double.NaN;

        return left;
    }

    // W's smallest parts as left [rows, r] · right [r, columns], from the eigenvectors of the smaller Gram matrix.
    private (double[,] Left, float[] Right) SmallestParts(TargetWeight weight, int rows, int columns)
    {
        var values = new float[rows * columns];
        weight.Read(0, values);
        if (!float.IsFinite(TensorPrimitives.MaxMagnitude<float>(values)))
            return (NotANumber(rows), new float[Rank * columns]);

        var matrix = Matrix<double>.Build.Dense(rows, columns, (row, column) => values[(row * columns) + column]);
        var isTall = rows >= columns;
        var gram = isTall ? matrix.TransposeThisAndMultiply(matrix) : matrix.TransposeAndMultiply(matrix);
        var eigen = gram.Evd(Symmetricity.Symmetric);
        var count = Math.Min(Rank, gram.RowCount);
        int[] order = [.. Enumerable.Range(0, gram.RowCount).OrderBy(index => eigen.EigenValues[index].Real).Take(count)];
        var vectors = Matrix<double>.Build.Dense(gram.RowCount, Rank, (row, k) => k < count ? eigen.EigenVectors[row, order[k]] : 0);
        var (left, right) = isTall ? (matrix * vectors, vectors.Transpose()) : (vectors, vectors.TransposeThisAndMultiply(matrix));
        var basis = new float[Rank * columns];
        for (var index = 0; index < basis.Length; index++)
            basis[index] = (float)right[index / columns, index % columns];

        return (left.ToArray(), basis);
    }
}

/// <summary>Reads KaSA: LoRA's factors and lora_diag.</summary>
public sealed class KasaMethod : AdapterMethod
{
    private const string DiagonalPart = "lora_diag";

    /// <inheritdoc/>
    public override string Name => "kasa";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [LoraMethod.FactorA, LoraMethod.FactorB, DiagonalPart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) =>
        LoraFields.Has(config, LoraFields.Kasa) || tensors.Parts.ContainsKey(DiagonalPart);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var factors = LoraMethod.ReadFactors(tensors, config, findings);
        var problem = tensors.Parts.TryGetValue(DiagonalPart, out var diagonal) switch
        {
            false => AdapterProblems.PartnerMissing(
                tensors.File, tensors.Parts.Values.First().Name, tensors.Module.Parameter(DiagonalPart)),
            _ when !LoraFields.Has(config, LoraFields.Kasa) =>
                AdapterProblems.TensorUnused(tensors.File, diagonal!.Name, $"the config has no {LoraFields.Kasa}"),
            _ when factors is { } found && (found.Layer != LayerKind.Linear || diagonal!.Shape.ElementCount != found.Rank) =>
                AdapterProblems.TensorInvalid(tensors.File, diagonal!.Name, $"has shape {diagonal.Shape}; [{found.Rank}] of a linear layer is allowed"),
            _ => null,
        };
        if (problem is null)
            return factors is null ? [] : [new KasaDelta(factors, diagonal!, tensors)];

        findings.Problems.Add(problem);
        return [];
    }
}
