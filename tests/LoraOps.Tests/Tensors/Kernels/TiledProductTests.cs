using LoraOps.Tensors.Kernels;
using LoraOps.Testing;

namespace LoraOps.Tests.Tensors.Kernels;

[Trait("Category", ScalarRun.Category)]
public sealed class TiledProductTests
{
    [Theory]
    [InlineData(1, 5, 3)]
    [InlineData(3, 16, 1)]
    [InlineData(8, 16, 4)]
    [InlineData(9, 33, 7)]
    [InlineData(16, 100, 20)]
    [InlineData(23, 15, 2)]
    [InlineData(4, 6, 0)]
    public void Every_element_is_one_chain_in_the_order_of_the_rank(int rows, int columns, int rank)
    {
        var random = new Random(rows + columns);
        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
        var (left, right, product) = (Values(rows * rank), Values(rank * columns), Values(rows * columns));
        new TiledProduct(right, rank, columns).Rows(product, left);
        for (var at = 0; at < product.Length; at++)
        {
            var chain = 0.0;
            for (var index = 0; index < rank; index++)
                chain = Math.FusedMultiplyAdd(left[(at / columns * rank) + index], right[(index * columns) + (at % columns)], chain);

            Assert.Equal(chain, product[at]);
        }
    }

    [Fact]
    public void Factors_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new TiledProduct(new double[5], 2, 3));
        Assert.Throws<ArgumentException>(() => new TiledProduct(new double[6], 2, 3).Rows(new double[6], new double[3]));
    }
}
