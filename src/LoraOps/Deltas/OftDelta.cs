using System.Globalization;
using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>How the parameters of OFT become rotations.</summary>
/// <param name="Terms">The terms of the Cayley-Neumann series, or 0 for the exact Cayley transform.</param>
/// <param name="Epsilon">The largest norm of all blocks together (constrained OFT), or null.</param>
/// <param name="IsShared">True if one block rotates every part of the input.</param>
public sealed record OftForm(int Terms, double? Epsilon, bool IsShared);

/// <summary>
/// W' = W · Rᵀ with R = blockdiag(R₁, R₂ …) (OFT, arXiv:2306.07280); an embedding is W · R. Each block comes from its skew
/// matrix Q: by a truncated series near (I + Q)(I − Q)⁻¹, or exactly (I − Q)(I + Q)⁻¹, which turns the other way.
/// </summary>
public sealed class OftDelta : Delta
{
    private readonly Tensor _upper;
    private readonly OftForm _form;

    internal OftDelta(LayerKind layer, Tensor upper, int size, OftForm form)
    {
        (Layer, _upper, BlockSize, _form) = (layer, upper, size, form);
    }

    /// <inheritdoc/>
    public override string Method => "oft";

    /// <inheritdoc/>
    public override LayerKind Layer { get; }

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <summary>The rows and columns of one rotation.</summary>
    public int BlockSize { get; }

    /// <inheritdoc/>
    public override string Expected => _form.IsShared
        ? $"rows of a multiple of {BlockSize} elements"
        : $"rows of {_upper.Shape[0] * BlockSize} elements";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        (weight.Rank == 2 || (weight.Rank == 4 && Layer != LayerKind.Embedding)) && weight.ElementCount > 0 &&
        (_form.IsShared ? weight.RowLength % BlockSize == 0 : weight.RowLength == _upper.Shape[0] * BlockSize);

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        (_upper.Shape[0] * PackedBasis.Bytes(BlockSize, BlockSize)) + (5L * sizeof(double) * BlockSize * BlockSize);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var count = (int)_upper.Shape[0];
        var blocks = new PackedBasis[count];
        var upper = new float[_upper.Shape[1]];
        var memory = (double[][])[.. Enumerable.Range(0, 3).Select(_ => new double[checked(BlockSize * BlockSize)])];
        var rotation = new float[BlockSize * BlockSize];
        for (var index = 0; index < count; index++)
        {
            _upper.ReadFloats((long)index * upper.Length, upper);
            Rotate(upper, Limit(upper) * (Layer == LayerKind.Embedding ? 1 : -1), memory, rotation);
            blocks[index] = new PackedBasis(rotation, BlockSize);
        }

        return new BlockRotation(blocks, (int)weight.Shape.RowLength);
    }

    // R(Q)ᵀ is R(−Q): the sign of the factor transposes.
    private void Rotate(ReadOnlySpan<float> upper, double factor, double[][] memory, Span<float> rotation)
    {
        CayleyTransform.Skew(upper, BlockSize, factor, memory[0]);
        var exact = _form.Terms == 0
            ? CayleyTransform.Exact(memory[0], BlockSize)
            : CayleyTransform.Series(memory[0], BlockSize, _form.Terms, (memory[1], memory[2]));
        TensorPrimitives.ConvertTruncating<double, float>(exact, rotation);
    }

    // Constrained OFT pulls a block back when the norm of its skew matrix, which holds each element twice, is too large.
    private double Limit(ReadOnlySpan<float> upper)
    {
        if (_form.Epsilon is not { } epsilon)
            return 1;

        var norm = Math.Sqrt(2 * DotProduct.Of(upper, upper));
        var limit = epsilon / Math.Sqrt(_upper.Shape[0]);
        return norm <= limit ? 1 : limit / norm;
    }

    private sealed class BlockRotation(PackedBasis[] blocks, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor) =>
            BlockProducts.Add(rows, weight, factor, blocks, columns);
    }
}

/// <summary>Reads OFT: the strict upper triangles in oft_R or oft_embedding_R.</summary>
public sealed class OftMethod : AdapterMethod
{
    private const string RotationPart = "oft_R";
    private const string EmbeddingPart = "oft_embedding_R";
    private const int MostTerms = 1000;
    private const int LargestBlock = 1 << 14;

    /// <inheritdoc/>
    public override string Name => "oft";

    /// <inheritdoc/>
    public override string PeftType => "OFT";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [RotationPart, EmbeddingPart];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
    [
        "block_share", "coft", "eps", "module_dropout", "num_cayley_neumann_terms", "oft_block_size", "r", "use_cayley_neumann",
    ];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        var values = config.Values;
        if (values.Raw("oft_block_size") is null)
            findings.Problems.Add(AdapterProblems.VariantRefused(
                values.File, "oft_block_size", "is missing: OFT before PEFT 0.14 stored other parameters", "Train the adapter again."));
        else if (values.Flag("use_cayley_neumann", fallback: true) && IsOld(config.PeftVersion))
            findings.Problems.Add(AdapterProblems.VariantRefused(
                values.File,
                "use_cayley_neumann",
                $"peft_version {config.PeftVersion ?? "before 0.18"} used another Cayley-Neumann series than 0.18 and later",
                "Train the adapter again with PEFT 0.18 or later."));

        if (values.Count("num_cayley_neumann_terms", 5) > MostTerms)
            values.Complain("num_cayley_neumann_terms", values.Raw("num_cayley_neumann_terms")!.Value, $"a whole number from 1 to {MostTerms}");

        if (values.Flag("coft") && values.Number("eps", 6e-5) < 0)
            values.Complain("eps", values.Raw("eps")!.Value, "a number from 0");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        if (tensors.Parts.Count > 1)
        {
            findings.Problems.Add(AdapterProblems.TensorUnused(
                tensors.File, tensors.Parts[RotationPart].Name, "its module is an embedding"));
            return [];
        }

        var (part, upper) = tensors.Parts.First();
        if (BlockSize(upper, config) is not { } size)
        {
            findings.Problems.Add(AdapterProblems.TensorInvalid(
                tensors.File, upper.Name, $"has shape {upper.Shape}; [blocks, n (n - 1) / 2] with n to {LargestBlock} is allowed, one block if block_share"));
            return [];
        }

        var values = config.Values;
        var form = new OftForm(
            values.Flag("use_cayley_neumann", fallback: true) ? values.Count("num_cayley_neumann_terms", 5) : 0,
            values.Flag("coft") ? values.Number("eps", 6e-5) : null,
            values.Flag("block_share"));
        return [new OftDelta(part == EmbeddingPart ? LayerKind.Embedding : LayerKind.Linear, upper, size, form)];
    }

    private static int? BlockSize(Tensor upper, AdapterConfig config)
    {
        if (upper.Shape.Rank != 2 || (upper.Shape[0] != 1 && config.Values.Flag("block_share")))
            return null;

        var length = upper.Shape[1];
        var size = (long)Math.Round((1 + Math.Sqrt(1 + (8.0 * length))) / 2);
        return size is > 1 and <= LargestBlock && size * (size - 1) / 2 == length ? (int)size : null;
    }

    private static bool IsOld(string? version)
    {
        var numbers = version?.Split('.') ?? [];
        return numbers.Length < 2 || !int.TryParse(numbers[0], CultureInfo.InvariantCulture, out var major) ||
            !int.TryParse(numbers[1], CultureInfo.InvariantCulture, out var minor) || (major == 0 && minor < 18) ||
            version!.StartsWith("0.18.0.dev", StringComparison.Ordinal);
    }
}
