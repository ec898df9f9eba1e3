using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// Δ = U · diag(σ) · V of a product of factors, without forming it: an orthonormal basis of each factor, and the singular values of
/// the small matrix between them (exact up to the rounding of float64; by Eckart–Young its head is the best approximation of its rank).
/// </summary>
public sealed class ThinSvd
{
    internal ThinSvd(double[] u, double[] sigma, double[] v, (int Rows, int Columns) size) =>
        (U, Sigma, V, Rows, Columns) = (u, sigma, v, size.Rows, size.Columns);

    /// <summary>The rows of Δ.</summary>
    public int Rows { get; }

    /// <summary>The columns of Δ.</summary>
    public int Columns { get; }

    /// <summary>The singular values above rounding, largest first; none of a matrix of zeros.</summary>
    public double[] Sigma { get; }

    /// <summary>[rows, rank] row-major: the left singular vectors, one a column.</summary>
    public double[] U { get; }

    /// <summary>[rank, columns] row-major: the right singular vectors, one a row.</summary>
    public double[] V { get; }

    /// <summary>How many singular values there are.</summary>
    public int Rank => Sigma.Length;

    /// <summary>All singular values that are not rounding, and their vectors. Signs of pairs of vectors are arbitrary but fixed.</summary>
    /// <param name="delta">Any product; its factors may be dependent, zero, or more than its rows and columns.</param>
    public static ThinSvd Of(LowRank delta)
    {
        using var spectrum = new ThinSpectrum(delta);
        return spectrum.Take(spectrum.Sigma.Length);
    }

    /// <summary>As many pairs of vectors as there are singular values here, made of a core's and the bases' that it lies between.</summary>
    internal static ThinSvd Of(CoreSvd core, (ThinQr Left, ThinQr Right) bases, double[] sigma, (int Rows, int Columns) size)
    {
        var right = core.Right(sigma.Length);
        var left = core.Left(right, sigma.Length);
        var (u, v) = (bases.Left.Turn(left, sigma.Length), bases.Right.Turn(right, sigma.Length));
        var svd = new ThinSvd(u.ToRows(), sigma, v.ToColumns(), size);
        u.Release();
        v.Release();
        return svd;
    }

    /// <summary>The product of balanced factors: √σ on both sides.</summary>
    public LowRank ToLowRank()
    {
        var (b, a) = (GC.AllocateUninitializedArray<double>(U.Length), GC.AllocateUninitializedArray<double>(V.Length));
        Balance(b, a);
        return new LowRank(b, a, Rank, (Rows, Columns));
    }

    /// <summary>The same made of the vectors' own memory: they are gone.</summary>
    internal LowRank IntoLowRank()
    {
        Balance(U, V);
        return new LowRank(U, V, Rank, (Rows, Columns));
    }

    private void Balance(double[] b, double[] a)
    {
        var roots = Array.ConvertAll(Sigma, Math.Sqrt);
        for (var at = 0; at < b.Length; at += Rank)
            TensorPrimitives.Multiply(U.AsSpan(at, Rank), roots, b.AsSpan(at));

        for (var row = 0; row < Rank; row++)
            TensorPrimitives.Multiply(V.AsSpan(row * Columns, Columns), roots[row], a.AsSpan(row * Columns));
    }
}
