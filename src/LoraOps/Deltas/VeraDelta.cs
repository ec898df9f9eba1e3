using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = (b ⊙ B) · (d ⊙ A) (VeRA, arXiv:2310.11454) with random A [r, in] and B [out, r] that all layers share: each takes the upper
/// left part. PVeRA draws d and A twice as tall; the first half is the mean, and that is what is merged.
/// </summary>
public sealed class VeraDelta : Delta
{
    private readonly VeraVectors _vectors;
    private readonly VeraProjections _projections;

    internal VeraDelta(string method, VeraVectors vectors, VeraProjections projections)
    {
        Method = method;
        _vectors = vectors;
        _projections = projections;
        Rank = checked((int)vectors.Inner.Shape.ElementCount) / projections.Halves;
    }

    /// <inheritdoc/>
    public override string Method { get; }

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <inheritdoc/>
    public override string Expected =>
        $"[{_vectors.Outer.Shape[0]}, {(_projections.A is { } a ? $"up to {a.Shape[1]}" : "any")}]";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank == 2 && weight[0] == _vectors.Outer.Shape[0] && (_projections.A is not { } a || weight[1] <= a.Shape[1]);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rows, columns) = (checked((int)weight.Shape[0]), checked((int)weight.Shape[1]));
        var (basis, coefficients) = _projections.Of(weight, Rank);
        var (inner, outer) = (_vectors.Inner.ToFloats(), _vectors.Outer.ToFloats());
        for (var index = 0; index < basis.Length; index++)
            basis[index] *= inner[index / columns];

        for (var index = 0; index < rows * Rank; index++)
            coefficients[index] *= outer[index / Rank];

        return new ProductUpdate(coefficients, basis, Rank, 1);
    }
}

/// <summary>What VeRA trains for one layer.</summary>
/// <param name="Outer">b [out]</param>
/// <param name="Inner">d [r], or [2 · r] for PVeRA.</param>
internal sealed record VeraVectors(Tensor Outer, Tensor Inner);

/// <summary>The random matrices: saved, or drawn again from the seed.</summary>
/// <param name="A">[r · Halves, largest in], or null to draw it.</param>
/// <param name="B">[largest out, r], or null to draw it.</param>
/// <param name="Seed">PEFT's <c>projection_prng_key</c>.</param>
/// <param name="Halves">2 for PVeRA, else 1.</param>
internal sealed record VeraProjections(Tensor? A, Tensor? B, long Seed, int Halves)
{
    /// <summary>The upper left parts for one weight: A [rank, columns] and B [rows, rank].</summary>
    public (float[] A, float[] B) Of(TargetWeight weight, int rank)
    {
        var (rows, columns) = (checked((int)weight.Shape[0]), checked((int)weight.Shape[1]));
        var (a, b) = (new float[checked(rank * columns)], new float[checked(rows * rank)]);
        if (A is not null && B is not null)
        {
            for (var row = 0; row < rank; row++)
                A.ReadFloats(row * A.Shape[1], a.AsSpan(row * columns, columns));

            B.ReadFloats(0, b);
            return (a, b);
        }

        Draw(weight, rank, a, b);

        // PEFT builds its layers in the type of the base before it computes in float32.
        Rounding.Through(weight.Type, a);
        Rounding.Through(weight.Type, b);
        return (a, b);
    }

    // Kaiming's uniform distribution: bound √6 / √(fan in). The matrices are as large as the largest layer needs.
    private void Draw(TargetWeight weight, int rank, float[] a, float[] b)
    {
        var (rows, columns) = (b.Length / rank, a.Length / rank);
        var generator = new TorchGenerator(Seed);
        var whole = new float[checked((int)Math.Max(columns, weight.AdaptedShapes.Max(shape => shape[1])))];
        for (var row = 0; row < rank * Halves; row++)
        {
            Fill(generator, whole, whole.Length);
            if (row < rank)
                whole.AsSpan(0, columns).CopyTo(a.AsSpan(row * columns));
        }

        Fill(generator, b, rank);
    }

    private static void Fill(TorchGenerator generator, Span<float> values, int fan)
    {
        var bound = (float)(Math.Sqrt(3) * (Math.Sqrt(2) / Math.Sqrt(fan)));
        generator.Fill(values, -bound, bound);
    }
}

/// <summary>Reads VeRA: vera_lambda_b, vera_lambda_d and, once in a file, vera_A and vera_B.</summary>
public sealed class VeraMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "vera";

    /// <inheritdoc/>
    public override string PeftType => "VERA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["vera_lambda_b", "vera_lambda_d"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SharedParts { get; } = ["vera_A", "vera_B"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["d_initial", "projection_prng_key", "r", "save_projection", "vera_dropout"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        Read(this, 1, tensors, config, findings);

    internal static IReadOnlyList<Delta> Read(
        AdapterMethod method, int halves, ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(method.Parts[0], "[out]", -1) is not { } outer || parts.Shaped(method.Parts[1], "[r]", -1) is not { } inner)
            return [];

        var length = inner.Shape[0];
        if (!parts.Check(length % halves == 0, inner, $"a length that {halves} divides"))
            return [];

        parts.CompareRank(config, length / halves);
        var (a, b) = (default(Tensor), default(Tensor));
        if (config.Values.Flag("save_projection", fallback: true) || tensors.Shared.Count > 0)
        {
            a = parts.Shaped(method.SharedParts[0], "[r, in]", length, -1);
            b = parts.Shaped(method.SharedParts[1], "[out, r]", -1, length / halves);
            if (a is null || b is null || !parts.Check(b.Shape[0] >= outer.Shape[0], b, $"at least [{outer.Shape[0]}, r]"))
                return [];
        }
        else if (config.Values.Raw("projection_prng_key") is null)
        {
            findings.Problems.Add(AdapterProblems.ConfigInvalid(
                config.Values.File, "field 'projection_prng_key' is missing and the projections were not saved"));
            return [];
        }

        var seed = Seeds.Of(config, "projection_prng_key");
        return [new VeraDelta(method.Name, new VeraVectors(outer, inner), new VeraProjections(a, b, seed, halves))];
    }
}
