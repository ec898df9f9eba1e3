using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// One-sided Jacobi: turns rows against each other until all are orthogonal; their lengths are then the singular values, each
/// to its own relative precision as far as the rows were scaled (Demmel and Veselić 1992). Sums have eight fixed lanes.
/// </summary>
internal static class JacobiRows
{
    private const int Lanes = 8;

    // Rows nearer to orthogonal than this stay as they are.
    private const double Orthogonal = 5e-15;

    // It converges in six to ten; more are for matrices that nobody has met.
    private const int MostSweeps = 60;

    /// <summary>Makes the rows orthogonal, in place.</summary>
    /// <param name="values">[rows, step] row-major.</param>
    /// <param name="step">A multiple of eight.</param>
    /// <returns>The squared lengths of the rows.</returns>
    public static double[] Orthogonalise(Span<double> values, int step)
    {
        var count = values.Length / step;
        var squares = new double[count];
        for (var sweep = 0; sweep < MostSweeps; sweep++)
        {
            for (var row = 0; row < count; row++)
                squares[row] = Dot(values.Slice(row * step, step), values.Slice(row * step, step));

            if (!Sweep(values, step, squares))
                break;
        }

        return squares;
    }

    /// <summary>The sum of the products of two rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        ref var x = ref MemoryMarshal.GetReference(left);
        ref var y = ref MemoryMarshal.GetReference(right);
        var (even, odd) = (Vector512<double>.Zero, Vector512<double>.Zero);
        nuint at = 0;
        for (; at + (2 * Lanes) <= (nuint)left.Length; at += 2 * Lanes)
        {
            even = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, at), Vector512.LoadUnsafe(ref y, at), even);
            odd = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, at + Lanes), Vector512.LoadUnsafe(ref y, at + Lanes), odd);
        }

        if (at < (nuint)left.Length)
            even = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, at), Vector512.LoadUnsafe(ref y, at), even);

        var sums = even + odd;
        var half = sums.GetLower() + sums.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[1];
    }

    private static bool Sweep(Span<double> values, int step, double[] squares)
    {
        var (count, turned) = (squares.Length, false);
        for (var i = 0; i < count; i++)
        {
            var upper = values.Slice(i * step, step);
            for (var j = i + 1; j < count; j++)
            {
                var lower = values.Slice(j * step, step);
                var (a, b, dot) = (squares[i], squares[j], Dot(upper, lower));
                if (!(dot * dot > Orthogonal * Orthogonal * a * b) || a == 0 || b == 0)
                    continue;

                turned = true;

                // The smaller angle, or the one that also swaps: the longer row always comes first.
                var zeta = (b - a) / (2 * dot);
                var tangent = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(Math.FusedMultiplyAdd(zeta, zeta, 1)));
                var cosine = 1 / Math.Sqrt(Math.FusedMultiplyAdd(tangent, tangent, 1));
                var sine = cosine * tangent;
                (squares[i], squares[j]) = (a - (tangent * dot), b + (tangent * dot));
                if (squares[i] < squares[j])
                {
                    (squares[i], squares[j]) = (squares[j], squares[i]);
                    (cosine, sine) = (sine, -cosine);
                }

                Turn(upper, lower, cosine, sine);
            }
        }

        return turned;
    }

    // upper ← c · upper − s · lower; lower ← s · upper + c · lower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(Span<double> upper, Span<double> lower, double cosine, double sine)
    {
        ref var x = ref MemoryMarshal.GetReference(upper);
        ref var y = ref MemoryMarshal.GetReference(lower);
        var (c, s, minus) = (Vector512.Create(cosine), Vector512.Create(sine), Vector512.Create(-sine));
        for (nuint at = 0; at < (nuint)upper.Length; at += Lanes)
        {
            var (u, l) = (Vector512.LoadUnsafe(ref x, at), Vector512.LoadUnsafe(ref y, at));
            Vector512.FusedMultiplyAdd(c, u, minus * l).StoreUnsafe(ref x, at);
            Vector512.FusedMultiplyAdd(s, u, c * l).StoreUnsafe(ref y, at);
        }
    }
}
