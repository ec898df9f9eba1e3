using LoraOps.Mixing;
using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Tests.Mixing;

/// <summary>The definitions once more, word for word on whole dense matrices with MathNet's algebra: slow, and independent of the factors.</summary>
internal static class DenseMixes
{
    /// <summary>The mix of a module.</summary>
    public static Matrix<double> Of(string method, MixModule module, MixSettings settings)
    {
        Matrix<double>[] deltas = [.. module.Shares.Select(share => MatrixSamples.Dense(share.Delta))];
        double[] weights = [.. module.Shares.Select(share => share.Weight)];
        return method switch
        {
            "cat" or "sum-svd" => Sum(deltas, weights),
            "linear" or "task-arithmetic" => Sum(deltas, weights) * settings.Lambda / (settings.Normalize ? Divisor(weights) : 1),
            "slerp" => Arc(Both(module, deltas), settings.T ?? 0.5, settings.Granularity, (cosine, _) => Math.Abs(cosine) > 0.9995),
            "nuslerp" => Arc(Both(module, deltas), Way(module.Weights), settings.Granularity, (_, sine) => Math.Abs(sine) < 1e-8),
            "model-stock" => deltas.Length == 1 ? deltas[0] : Grouped(deltas, settings.Granularity, Stock),
            "iso-c" => Isotropic(Sum(deltas, weights)),
            "tsv-m" => SingularVectors(deltas, weights, settings.KeepPerAdapter ?? int.MaxValue),
            "knots-ties" => Knots(deltas, weights, settings),
            "core-ties" => Cores([.. module.Shares.Select(share => (LowRank)share.Delta)], weights, settings),
            _ => throw new ArgumentOutOfRangeException(nameof(method)),
        };
    }

    /// <summary>Prune by magnitude, elect, add what agrees.</summary>
    public static Matrix<double> Ties(Matrix<double>[] deltas, double[] weights, MixSettings settings)
    {
        Matrix<double>[] pruned = [.. deltas.Select(delta => Prune(delta, settings.Density ?? 1))];
        return Matrix<double>.Build.Dense(deltas[0].RowCount, deltas[0].ColumnCount, (row, column) =>
        {
            double[] x = [.. pruned.Select(delta => delta[row, column])];
            double[] e = [.. x.Select((value, at) => settings.ElectOn == ElectOn.Weighted ? value * weights[at] : value)];
            var elected = e.Sum(value => settings.MajoritySignMethod == SignVote.Frequency ? Math.Sign(value) : value) >= 0 ? 1 : -1;
            int[] kept = [.. Enumerable.Range(0, x.Length).Where(at => Math.Sign(e[at]) == elected)];
            var sum = kept.Sum(at => weights[at] * x[at]);
            var total = kept.Sum(at => weights[at]);
            return settings.Lambda * sum / settings.Divisor switch
            {
                LoraOps.Mixing.Divisor.Count => Math.Max(1, kept.Length),
                LoraOps.Mixing.Divisor.Weights => total == 0 ? 1 : total,
                _ => 1,
            };
        });
    }

    private static Matrix<double> Sum(Matrix<double>[] deltas, double[] weights) =>
        deltas.Zip(weights, (delta, weight) => delta * weight).Aggregate((a, b) => a + b);

    private static double Divisor(double[] weights) => Math.Abs(weights.Sum()) < 1e-8 ? 1 : weights.Sum();

    private static double Way(IReadOnlyList<double> weights) =>
        Math.Abs(weights[0] + weights[1]) < 1e-8 ? 0.5 : weights[1] / (weights[0] + weights[1]);

    private static Matrix<double>[] Both(MixModule module, Matrix<double>[] deltas) => module.Shares.Count == 2
        ? deltas
        : module.Shares[0].Position == 0 ? [deltas[0], deltas[0] * 0] : [deltas[0] * 0, deltas[0]];

    private static Matrix<double> Arc(Matrix<double>[] both, double t, Granularity granularity, Func<double, double, bool> straight) =>
        Grouped(both, granularity, parts =>
        {
            var norms = parts[0].L2Norm() * parts[1].L2Norm();
            var cosine = norms == 0 ? 0 : Math.Clamp(parts[0].DotProduct(parts[1]) / norms, -1, 1);
            var angle = Math.Acos(cosine);
            return norms == 0 || straight(cosine, Math.Sin(angle))
                ? ((1 - t) * parts[0]) + (t * parts[1])
                : ((Math.Sin((1 - t) * angle) * parts[0]) + (Math.Sin(t * angle) * parts[1])) / Math.Sin(angle);
        });

    private static Vector<double> Stock(Vector<double>[] parts)
    {
        double[] cosines = [.. from i in Enumerable.Range(0, parts.Length)
                               from j in Enumerable.Range(0, i)
                               let norms = parts[i].L2Norm() * parts[j].L2Norm()
                               select norms == 0 ? 0 : Math.Clamp(parts[i].DotProduct(parts[j]) / norms, -1, 1)];
        var denominator = 1 + ((parts.Length - 1) * cosines.Average());
        var share = Math.Abs(denominator) < 1e-12 ? 0 : parts.Length * cosines.Average() / denominator;
        return parts.Aggregate((a, b) => a + b) * share / parts.Length;
    }

    private static Matrix<double> Grouped(Matrix<double>[] deltas, Granularity granularity, Func<Vector<double>[], Vector<double>> mix)
    {
        var (rows, columns) = (deltas[0].RowCount, deltas[0].ColumnCount);
        return granularity switch
        {
            Granularity.Row => Matrix<double>.Build.DenseOfRowVectors(
                Enumerable.Range(0, rows).Select(row => mix([.. deltas.Select(delta => delta.Row(row))]))),
            Granularity.Column => Matrix<double>.Build.DenseOfColumnVectors(
                Enumerable.Range(0, columns).Select(column => mix([.. deltas.Select(delta => delta.Column(column))]))),
            _ => Matrix<double>.Build.Dense(rows, columns, mix([.. deltas.Select(delta => Vector<double>.Build.Dense(delta.ToColumnMajorArray()))]).ToArray()),
        };
    }

    private static Matrix<double> Prune(Matrix<double> delta, double density)
    {
        var values = delta.ToRowMajorArray();
        if (density >= 1)
            return delta;

        foreach (var at in Enumerable.Range(0, values.Length).OrderByDescending(at => Math.Abs(values[at])).Skip((int)(density * values.Length)))
            values[at] = 0;

        return Matrix<double>.Build.Dense(delta.ColumnCount, delta.RowCount, values).Transpose();
    }

    private static Matrix<double> Isotropic(Matrix<double> sum)
    {
        var (u, sigma, v) = Svd(sum, 1e-10 * Largest(sum));
        return u * v.Transpose() * sigma.Average();
    }

    private static Matrix<double> SingularVectors(Matrix<double>[] deltas, double[] weights, int keep)
    {
        var parts = deltas.Select((delta, at) =>
        {
            var (u, sigma, v) = Svd(delta, 1e-10 * Largest(delta));
            var count = Math.Min(keep, sigma.Count);
            return (U: u.SubMatrix(0, u.RowCount, 0, count), S: sigma.SubVector(0, count) * weights[at], V: v.SubMatrix(0, v.RowCount, 0, count));
        }).ToList();
        var strengths = Matrix<double>.Build.DenseOfDiagonalVector(Vector<double>.Build.DenseOfEnumerable(parts.SelectMany(part => part.S)));
        return Polar(Beside(parts.Select(part => part.U))) * strengths * Polar(Beside(parts.Select(part => part.V))).Transpose();
    }

    private static Matrix<double> Polar(Matrix<double> vectors)
    {
        var (p, _, q) = Svd(vectors, 1e-10 * Largest(vectors));
        return p * q.Transpose();
    }

    private static Matrix<double> Knots(Matrix<double>[] deltas, double[] weights, MixSettings settings)
    {
        var (u, sigma, v) = Svd(Beside(deltas), 1e-5);
        for (var column = 0; column < sigma.Count; column++)
        {
            var sign = Sign(u.Column(column));
            u.SetColumn(column, u.Column(column) * sign);
            v.SetColumn(column, v.Column(column) * sign * sigma[column]);
        }

        var columns = deltas[0].ColumnCount;
        return u * Ties([.. deltas.Select((_, at) => v.SubMatrix(at * columns, columns, 0, sigma.Count).Transpose())], weights, settings);
    }

    private static Matrix<double> Cores(LowRank[] products, double[] weights, MixSettings settings)
    {
        Matrix<double>[] lefts = [.. products.Select(product => MatrixSamples.Dense(
            new MatrixSamples.Elements(product.ScaledB(), product.Rows, product.Rank)))];
        Matrix<double>[] rights = [.. products.Select(product => MatrixSamples.Dense(
            new MatrixSamples.Elements(product.A, product.Rank, product.Columns)))];
        var (left, right) = (Beside(lefts), Beside(rights.Select(a => a.Transpose())));
        var (u, v) = (Signed(Svd(left, 1e-10 * Largest(left)).U), Signed(Svd(right, 1e-10 * Largest(right)).U));
        return u * Ties([.. lefts.Zip(rights, (b, a) => u.TransposeThisAndMultiply(b) * (a * v))], weights, settings) * v.Transpose();
    }

    private static Matrix<double> Signed(Matrix<double> vectors) =>
        Matrix<double>.Build.DenseOfColumnVectors(vectors.EnumerateColumns().Select(column => column * Sign(column)));

    private static int Sign(Vector<double> vector) => Math.Sign(vector.MaxBy(Math.Abs));

    private static double Largest(Matrix<double> matrix) => matrix.Svd(false).S[0];

    private static (Matrix<double> U, Vector<double> Sigma, Matrix<double> V) Svd(Matrix<double> matrix, double floor)
    {
        var svd = matrix.Svd();
        var count = Math.Max(1, svd.S.Count(sigma => sigma > floor));
        return (svd.U.SubMatrix(0, matrix.RowCount, 0, count), svd.S.SubVector(0, count), svd.VT.SubMatrix(0, count, 0, matrix.ColumnCount).Transpose());
    }

    private static Matrix<double> Beside(IEnumerable<Matrix<double>> parts) => parts.Aggregate((a, b) => a.Append(b));
}
