using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Of columns X, known by XᵀX: those that are clearly independent, and the triangle R of their orthonormal basis Q, with
/// X · <see cref="Inverse"/> = Q and QᵀX = <see cref="Factor"/>.
/// </summary>
internal sealed class PivotedCholesky
{
    // A Gram matrix holds lengths squared: what lies nearer than this to the span of the others is seen only without them.
    private const double Clear = 1e-9;

    // Keeps the order of the columns as long as that costs no digit.
    private const double Good = 0.25;

    private readonly double[] _norms;
    private readonly double[] _rows;
    private readonly int _step;

    /// <summary>Chooses columns and factors.</summary>
    /// <param name="gram">XᵀX, a small matrix; what lies right of the diagonal is not looked at.</param>
    /// <param name="floors">The length from which a column counts.</param>
    public PivotedCholesky(double[] gram, ReadOnlySpan<double> floors)
    {
        var count = floors.Length;
        _step = ColumnPanels.Width(count);
        _norms = new double[count];
        var rest = new double[count];
        for (var at = 0; at < count; at++)
        {
            _norms[at] = Math.Sqrt(gram[(at * _step) + at]);
            rest[at] = _norms[at] > floors[at] ? 1 : 0;
            Alive += (int)rest[at];
        }

        _rows = new double[count * _step];
        for (var next = Choose(rest); next >= 0; next = Choose(rest))
            Eliminate(gram, next, rest);
    }

    /// <summary>The columns that count.</summary>
    public int Alive { get; }

    /// <summary>The columns that were chosen, in the order of Q.</summary>
    public List<int> Chosen { get; } = [];

    /// <summary>The least squared distance of a chosen column, at unit length, from the span of those before it: 1 if all are orthogonal.</summary>
    public double Smallest { get; private set; } = 1;

    /// <summary>The columns that count and were not chosen.</summary>
    public List<int> Left(ReadOnlySpan<double> floors)
    {
        var left = new List<int>();
        for (var at = 0; at < floors.Length; at++)
        {
            if (_norms[at] > floors[at] && !Chosen.Contains(at))
                left.Add(at);
        }

        return left;
    }

    /// <summary>QᵀX, [chosen, columns], a small matrix; right for the chosen columns.</summary>
    public double[] Factor()
    {
        var factor = new double[Chosen.Count * _step];
        for (var row = 0; row < Chosen.Count; row++)
            TensorPrimitives.Multiply(_rows.AsSpan(row * _step, _norms.Length), _norms, factor.AsSpan(row * _step, _norms.Length));

        return factor;
    }

    /// <summary>[columns, chosen], a small matrix.</summary>
    public double[] Inverse()
    {
        var (rank, width) = (Chosen.Count, ColumnPanels.Width(Chosen.Count));
        var inverse = new double[_norms.Length * width];
        for (var row = rank - 1; row >= 0; row--)
        {
            var target = inverse.AsSpan(Chosen[row] * width, width);
            target[row] = 1;
            for (var other = row + 1; other < rank; other++)
            {
                var source = inverse.AsSpan((Chosen[other] * width) + other, rank - other);
                TensorPrimitives.FusedMultiplyAdd(source, -_rows[(row * _step) + Chosen[other]], target[other..rank], target[other..rank]);
            }

            TensorPrimitives.Divide(target[..rank], _rows[(row * _step) + Chosen[row]], target[..rank]);
        }

        foreach (var column in Chosen)
        {
            var target = inverse.AsSpan(column * width, rank);
            TensorPrimitives.Divide(target, _norms[column], target);
        }

        return inverse;
    }

    private static int Choose(double[] rest)
    {
        var most = TensorPrimitives.Max<double>(rest);
        if (!(most > Clear))
            return -1;

        return Array.FindIndex(rest, value => value >= Good * most);
    }

    private void Eliminate(double[] gram, int next, double[] rest)
    {
        var (rank, count) = (Chosen.Count, rest.Length);
        var row = _rows.AsSpan(rank * _step, count);
        for (var at = 0; at < count; at++)
        {
            var element = at <= next ? gram[(next * _step) + at] : gram[(at * _step) + next];
            row[at] = _norms[at] > 0 ? element / _norms[at] / _norms[next] : 0;
        }

        row[next] = 1;
        for (var before = 0; before < rank; before++)
        {
            var other = _rows.AsSpan(before * _step, count);
            TensorPrimitives.FusedMultiplyAdd(other, -other[next], row, row);
        }

        var pivot = row[next];
        if (!(pivot > Clear / 2))
        {
            rest[next] = 0;
            return;
        }

        Smallest = Math.Min(Smallest, pivot);
        TensorPrimitives.Divide(row, Math.Sqrt(pivot), row);
        foreach (var chosen in Chosen)
            row[chosen] = 0;

        Chosen.Add(next);
        for (var at = 0; at < count; at++)
            rest[at] = rest[at] > 0 ? rest[at] - (row[at] * row[at]) : 0;

        rest[next] = 0;
    }
}
