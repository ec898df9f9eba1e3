using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// X = Q · T of a tall matrix, Q with as many orthonormal columns as X has independent ones: Cholesky QR of the Gram matrix, repeated
/// until the columns are orthonormal to rounding (Yamamoto et al. 2015, "CholeskyQR2"). Columns too near to the span of the
/// others for a Gram matrix to see them are projected twice and get a block of their own. Each column counts by its direction,
/// whatever its length.
/// </summary>
internal sealed class ThinQr
{
    // What is left of a column after projection is rounding below this share of it.
    private const double Noise = 1e-14;

    // Squared distance from which one pass leaves Q orthonormal to 13 digits.
    private const double Enough = 1e-2;

    private readonly List<Block> _blocks = [];
    private readonly List<double[]> _triangle = [];
    private int _columns;

    /// <summary>Factors; the panels belong to the factorisation from now on.</summary>
    public ThinQr(ColumnPanels columns) => Extend(columns);

    /// <summary>The columns of Q.</summary>
    public int Rank => _triangle.Count;

    /// <summary>One row of T, filled up with zeros as a small matrix is.</summary>
    public ReadOnlySpan<double> Row(int row) => _triangle[row];

    /// <summary>Further columns of X, to the right of the others; the panels belong to the factorisation from now on.</summary>
    public void Extend(ColumnPanels columns)
    {
        var active = Enumerable.Range(_columns, columns.Columns).ToList();
        _columns += columns.Columns;
        for (var row = 0; row < _triangle.Count; row++)
            _triangle[row] = [.. _triangle[row], .. new double[ColumnPanels.Width(_columns) - _triangle[row].Length]];

        // The lengths before any projection say what is rounding later.
        var (gram, step) = (columns.Cross(columns), ColumnPanels.Width(columns.Columns));
        double[] floors = [.. Enumerable.Range(0, columns.Columns).Select(at => Noise * Math.Sqrt(gram[(at * step) + at]))];
        for (var work = columns; work is not null;)
        {
            if (_blocks.Count > 0)
            {
                Project(work, active);
                Project(work, active);
                gram = work.Cross(work);
            }

            var cholesky = new PivotedCholesky(gram, floors);
            if (cholesky.Chosen.Count > 0)
                AddBlock(work, cholesky, active);

            var left = cholesky.Chosen.Count == 0 ? [] : cholesky.Left(floors);
            var rest = left.Count == 0 ? null : work.Select(left);
            active = [.. left.Select(at => active[at])];
            floors = [.. left.Select(at => floors[at])];
            if (_blocks.Count == 0 || _blocks[^1].Panels != work)
                work.Release();

            work = rest;
        }
    }

    /// <summary>The columns of Q from one on.</summary>
    public ColumnPanels From(int first)
    {
        var (count, width) = (Rank - first, ColumnPanels.Width(Rank - first));
        var chosen = new double[Rank * width];
        for (var at = 0; at < count; at++)
            chosen[((first + at) * width) + at] = 1;

        return Times(chosen, count);
    }

    /// <summary>Q · small.</summary>
    /// <param name="small">[<see cref="Rank"/>, columns], a small matrix; Rank must not be 0.</param>
    /// <param name="columns">The columns of the product.</param>
    public ColumnPanels Times(ReadOnlySpan<double> small, int columns)
    {
        ColumnPanels? product = null;
        foreach (var block in _blocks)
        {
            var part = SmallMatrix.Times(block.Finish, small, (block.Panels.Columns, block.Count, columns));
            if (product is null)
                product = block.Panels.Times(part, columns);
            else
                product.Add(block.Panels, part);

            small = small[(block.Count * ColumnPanels.Width(columns))..];
        }

        return product!;
    }

    /// <summary>Q · vectorsᵀ.</summary>
    /// <param name="vectors">[count, <see cref="Rank"/>], a small matrix.</param>
    /// <param name="count">The number of vectors.</param>
    public ColumnPanels Turn(ReadOnlySpan<double> vectors, int count)
    {
        var (step, width) = (ColumnPanels.Width(Rank), ColumnPanels.Width(count));
        var turned = new double[Rank * width];
        for (var row = 0; row < Rank; row++)
        {
            for (var at = 0; at < count; at++)
                turned[(row * width) + at] = vectors[(at * step) + row];
        }

        return Times(turned, count);
    }

    /// <summary>Gives the memory back.</summary>
    public void Release() => _blocks.ForEach(block => block.Panels.Release());

    private void AddBlock(ColumnPanels work, PivotedCholesky cholesky, List<int> active)
    {
        var (panels, finish, factor, rank) = (work, cholesky.Inverse(), cholesky.Factor(), cholesky.Chosen.Count);
        var (smallest, alone) = (cholesky.Smallest, _blocks.Count == 0 && rank == cholesky.Alive);
        for (var pass = 0; pass < 3 && (smallest < Enough || (pass == 0 && !alone)); pass++)
        {
            var better = panels.Times(finish, rank);
            if (panels != work)
                panels.Release();

            panels = better;
            Project(panels, null);
            var again = new PivotedCholesky(panels.Cross(panels), new double[rank]);
            factor = SmallMatrix.Times(again.Factor(), factor, (again.Chosen.Count, rank, active.Count));
            (finish, smallest, rank) = (again.Inverse(), again.Smallest, again.Chosen.Count);
        }

        var step = ColumnPanels.Width(active.Count);
        for (var row = 0; row < rank; row++)
        {
            var values = new double[ColumnPanels.Width(_columns)];
            foreach (var column in cholesky.Chosen)
                values[active[column]] = factor[(row * step) + column];

            _triangle.Add(values);
        }

        _blocks.Add(new Block(panels, finish, rank));
    }

    // Takes the directions of all blocks out of the columns; what is taken out goes into T where the columns are X's own.
    private void Project(ColumnPanels work, List<int>? columns)
    {
        var (count, first) = (work.Columns, 0);
        foreach (var block in _blocks)
        {
            var cross = block.Panels.Cross(work);
            var shares = SmallMatrix.CrossTimes(block.Finish, cross, (block.Count, block.Panels.Columns, count));
            for (var at = 0; columns is not null && at < block.Count * count; at++)
                _triangle[first + (at / count)][columns[at % count]] += shares[(at / count * ColumnPanels.Width(count)) + (at % count)];

            TensorPrimitives.Negate(shares, shares);
            work.Add(block.Panels, SmallMatrix.Times(block.Finish, shares, (block.Panels.Columns, block.Count, count)));
            first += block.Count;
        }
    }

    /// <summary>Orthonormal columns: panels · finish.</summary>
    private sealed record Block(ColumnPanels Panels, double[] Finish, int Count);
}
