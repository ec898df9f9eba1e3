using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>⟨Δi, Δj⟩ of several deltas in float64, over the whole matrix, each row or each column.</summary>
internal sealed class InnerProducts
{
    private readonly double[][][] _products;
    private readonly Granularity _granularity;
    private readonly int _columns;

    private InnerProducts(IReadOnlyList<DeltaMatrix> deltas, Granularity granularity)
    {
        var groups = GroupedSum.Groups(deltas[0], granularity);
        (_granularity, _columns) = (granularity, deltas[0].Columns);
        _products = [.. deltas.Select((_, i) => Enumerable.Range(0, i + 1).Select(_ => new double[groups]).ToArray())];
    }

    /// <summary>[groups]: the product of two of the deltas; the square of its norm where they are the same.</summary>
    public double[] this[int one, int other] => _products[Math.Max(one, other)][Math.Min(one, other)];

    /// <summary>
    /// The products of all pairs. Products of few factors are never formed: what is read is the coordinates that they span,
    /// which is as exact as reading the deltas. Others are read tile by tile. Sums run over ascending rows.
    /// </summary>
    /// <param name="deltas">All of one size.</param>
    /// <param name="granularity">What a group is.</param>
    public static InnerProducts Of(IReadOnlyList<DeltaMatrix> deltas, Granularity granularity)
    {
        var small = Coordinates.Of(deltas, granularity);
        var products = new InnerProducts(small, granularity);
        var (rows, tile) = (small[0].Rows, small[0].TileRows);
        var tiles = small.Select(delta => new double[tile * delta.Columns]).ToArray();
        for (var first = 0; first < rows; first += tile)
        {
            var count = Math.Min(tile, rows - first);
            for (var at = 0; at < small.Count; at++)
                small[at].Read(first, tiles[at].AsSpan(0, count * small[at].Columns));

            for (var row = 0; row < count; row++)
                products.Add(tiles, row, first + row);
        }

        return products;
    }

    private void Add(double[][] tiles, int row, int absolute)
    {
        for (var i = 0; i < tiles.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sums = _products[i][j];
                ReadOnlySpan<double> one = tiles[i].AsSpan(row * _columns, _columns);
                ReadOnlySpan<double> other = tiles[j].AsSpan(row * _columns, _columns);
                if (_granularity == Granularity.Column)
                    TensorPrimitives.FusedMultiplyAdd(one, other, sums, sums);
                else
                    sums[_granularity == Granularity.Row ? absolute : 0] += DotProduct.Of(one, other);
            }
        }
    }
}
