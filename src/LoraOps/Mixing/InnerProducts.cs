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
    /// The products of all pairs. Deltas are read tile by tile, the rows always in ascending order.
    /// </summary>
    /// <param name="deltas">All of one size.</param>
    /// <param name="granularity">What a group is.</param>
    public static InnerProducts Of(IReadOnlyList<DeltaMatrix> deltas, Granularity granularity)
    {
        var products = new InnerProducts(deltas, granularity);
        var (rows, tile) = (deltas[0].Rows, deltas[0].TileRows);
        var tiles = deltas.Select(delta => new double[tile * delta.Columns]).ToArray();
        for (var first = 0; first < rows; first += tile)
        {
            var count = Math.Min(tile, rows - first);
            for (var at = 0; at < deltas.Count; at++)
                deltas[at].Read(first, tiles[at].AsSpan(0, count * deltas[at].Columns));

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
