using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>
/// A matrix as LyCORIS stores it: whole; left [rows, r] · right [r, columns]; or in Tucker form with a core [r, r, kernel…],
/// left [r, rows] and right [r, inputs], where element (p, q, k) is Σ core[i, j, k] · left[i, p] · right[j, q].
/// </summary>
/// <param name="Left">The left factor, or the whole matrix.</param>
/// <param name="Right">The right factor, or null.</param>
/// <param name="Core">The core, or null.</param>
internal sealed record ThinFactors(Tensor Left, Tensor? Right = null, Tensor? Core = null)
{
    /// <summary>The inner dimension; 0 for a whole matrix.</summary>
    public int Rank => Right is null ? 0 : checked((int)Right.Shape[0]);

    /// <summary>The number of rows.</summary>
    public long Rows => Left.Shape[Core is null ? 0 : 1];

    /// <summary>The length of a row: inputs · kernel.</summary>
    public long Columns => Right is null ? Left.Shape.RowLength : Right.Shape[1] * KernelLength;

    /// <summary>The elements of the kernel that the core spans; 1 without.</summary>
    public long KernelLength => Core is null ? 1 : Core.Shape.ElementCount / ((long)Rank * Rank);

    /// <summary>The memory of <see cref="ToMatrix"/>.</summary>
    public long PreparedBytes => Right is null
        ? sizeof(float) * Left.Shape.ElementCount
        : ThinMatrix.PreparedBytes(Rows, Columns, Rank) + (Core is null ? 0 : sizeof(float) * (Left.Shape.ElementCount + Right.Shape.ElementCount));

    /// <summary>Reads the factors of one module.</summary>
    /// <param name="parts">Its tensors.</param>
    /// <param name="left">The name of the left factor; the right one and the core are named likewise.</param>
    /// <param name="right">The name of the right factor.</param>
    /// <param name="core">The name of the core.</param>
    public static ThinFactors? Read(PartReader parts, string left, string right, string core)
    {
        if (parts.Find(core) is null)
        {
            return parts.Shaped(left, "[out, r]", -1, -1) is { } a && parts.Shaped(right, "[r, in]", a.Shape[1], -1) is { } b
                ? new ThinFactors(a, b)
                : null;
        }

        if (parts.Shaped(left, "[r, out]", -1, -1) is not { } outputs || parts.Find(core) is not { } middle)
            return null;

        var r = outputs.Shape[0];
        if (parts.Shaped(right, "[r, in]", r, -1) is not { } inputs)
            return null;

        var fits = middle.Shape.Rank is 3 or 4 && middle.Shape[0] == r && middle.Shape[1] == r;
        return parts.Check(fits, middle, $"[{r}, {r}, kernel…]") ? new ThinFactors(outputs, inputs, middle) : null;
    }

    /// <summary>Decodes the tensors so that rows can be taken.</summary>
    public ThinMatrix ToMatrix()
    {
        if (Right is null)
            return new ThinMatrix(Left.ToFloats(), checked((int)Columns));

        if (Core is null)
            return new ThinMatrix(Left.ToFloats(), Right.ToFloats(), Rank);

        var (left, coefficients) = (Left.ToFloats(), new float[Left.Shape.ElementCount]);
        Transposition.Transpose(left, Rank, (int)Rows, coefficients);
        return new ThinMatrix(coefficients, Contract(), Rank);
    }

    // [r, inputs, kernel]: the core with its second dimension summed against the right factor.
    private float[] Contract()
    {
        var (core, right, kernel) = (Core!.ToFloats(), Right!.ToFloats(), (int)KernelLength);
        var inputs = right.Length / Rank;
        var basis = new float[checked(Rank * inputs * kernel)];
        for (var index = 0; index < basis.Length; index++)
        {
            var (i, q, k) = (index / (inputs * kernel), index / kernel % inputs, index % kernel);
            var sum = 0.0;
            for (var j = 0; j < Rank; j++)
                sum += (double)core[(((i * Rank) + j) * kernel) + k] * right[(j * inputs) + q];

            basis[index] = (float)sum;
        }

        return basis;
    }
}
