using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// W' = W · H with H = Π (I − 2 uᵢ uᵢᵀ) over normalised columns (HRA, arXiv:2405.17484), or I − 2 U Uᵀ after Gram and Schmidt.
/// Both are I − Y T Yᵀ with a small triangular T (the compact WY form), so ΔW = −(W · Y · T) · Yᵀ needs no rotation of the input.
/// </summary>
public sealed class HraDelta : Delta
{
    private const double Parallel = 1e-10;
    private readonly Tensor _vectors;
    private readonly bool _isOrthogonalised;
    private readonly ModuleTensors _source;

    internal HraDelta(Tensor vectors, bool isOrthogonalised, ModuleTensors source)
    {
        (_vectors, _isOrthogonalised, _source) = (vectors, isOrthogonalised, source);
    }

    /// <inheritdoc/>
    public override string Method => "hra";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => (int)_vectors.Shape[1];

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <inheritdoc/>
    public override string Expected => $"rows of {_vectors.Shape[0]} elements";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank is 2 or 4 && weight.RowLength == _vectors.Shape[0];

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        (Rank * ((_vectors.Shape[0] * 16) + (Rank * (long)sizeof(double)))) + PackedBasis.Bytes(Rank, _vectors.Shape[0]);

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">A vector has no direction, or Gram and Schmidt leave nothing of it.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rank, columns) = (Rank, (int)_vectors.Shape[0]);
        var stored = _vectors.ToFloats();
        var vectors = new double[rank][];
        for (var index = 0; index < rank; index++)
        {
            vectors[index] = new double[columns];
            for (var row = 0; row < columns; row++)
                vectors[index][row] = stored[(row * rank) + index];

            Normalise(vectors, index);
        }

        var basis = new float[rank * columns];
        for (var index = 0; index < basis.Length; index++)
            basis[index] = (float)vectors[index / columns][index % columns];

        return new ReflectionUpdate(basis, Triangle(vectors), rank);
    }

    private void Normalise(double[][] vectors, int index)
    {
        var vector = vectors[index];
        var before = Math.Sqrt(Dot(vector, vector));
        for (var earlier = 0; _isOrthogonalised && earlier < index; earlier++)
            Add(vector, vectors[earlier], -Dot(vector, vectors[earlier]));

        var norm = Math.Sqrt(Dot(vector, vector));
        if (norm == 0 || norm <= before * Parallel)
            throw new LoraOpsException(AdapterProblems.TensorInvalid(
                _source.File, _vectors.Name, $"has no direction in column {index}: it is zero or a sum of the columns before it"));

        for (var at = 0; at < vector.Length; at++)
            vector[at] /= norm;
    }

    // H · (I − 2 u uᵀ) adds the column −2 T Yᵀ u above the diagonal 2.
    private double[] Triangle(double[][] vectors)
    {
        var rank = vectors.Length;
        var triangle = new double[rank * rank];
        for (var column = 0; column < rank; column++)
        {
            triangle[(column * rank) + column] = 2;
            for (var row = 0; row < column && !_isOrthogonalised; row++)
            {
                for (var k = row; k < column; k++)
                    triangle[(row * rank) + column] -= 2 * triangle[(row * rank) + k] * Dot(vectors[k], vectors[column]);
            }
        }

        return triangle;
    }

    private static double Dot(double[] left, double[] right)
    {
        var sum = 0.0;
        for (var index = 0; index < left.Length; index++)
            sum += left[index] * right[index];

        return sum;
    }

    private static void Add(double[] target, double[] vector, double factor)
    {
        for (var index = 0; index < target.Length; index++)
            target[index] += factor * vector[index];
    }

    private sealed class ReflectionUpdate(float[] basis, double[] triangle, int rank) : RowUpdate
    {
        private readonly PackedBasis _packed = new(basis, rank);

        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var columns = basis.Length / rank;
            var products = new double[rank];
            var coefficients = new float[rows.Length / columns * rank];
            for (var (at, own) = (0, 0); at < rows.Length; at += columns, own += rank)
            {
                for (var index = 0; index < rank; index++)
                    products[index] = DotProduct.Of(weight.Slice(at, columns), basis.AsSpan(index * columns, columns));

                for (var column = 0; column < rank; column++)
                {
                    var sum = 0.0;
                    for (var row = 0; row <= column; row++)
                        sum -= products[row] * triangle[(row * rank) + column];

                    coefficients[own + column] = (float)sum;
                }
            }

            TensorPrimitives.Multiply(coefficients, factor, coefficients);
            FusedUpdate.Apply(rows, coefficients, _packed);
        }
    }
}

/// <summary>Reads HRA: the vectors of the reflections in hra_u.</summary>
public sealed class HraMethod : AdapterMethod
{
    private const string VectorPart = "hra_u";

    /// <inheritdoc/>
    public override string Name => "hra";

    /// <inheritdoc/>
    public override string PeftType => "HRA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [VectorPart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["apply_GS", "r"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var vectors = tensors.Parts[VectorPart];
        var isOrthogonalised = config.Values.Flag("apply_GS");
        if (vectors.Shape.Rank == 2 && (!isOrthogonalised || vectors.Shape[1] <= vectors.Shape[0]))
            return [new HraDelta(vectors, isOrthogonalised, tensors)];

        findings.Problems.Add(AdapterProblems.TensorInvalid(
            tensors.File, vectors.Name, $"has shape {vectors.Shape}; [in, r] is allowed, with apply_GS r to in"));
        return [];
    }
}
