using LoraOps.Tensors.Kernels;
using LoraOps.Testing;

namespace LoraOps.Tests.Tensors.Kernels;

[Trait("Category", ScalarRun.Category)]
public sealed class TriangleTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 40)]
    [InlineData(5, 3)]
    [InlineData(16, 16)]
    [InlineData(33, 70)]
    public void Rows_keep_their_inner_products(int count, int length)
    {
        var random = new Random(count);
        var rows = Enumerable.Range(0, count * length).Select(_ => random.NextDouble() - 0.3).ToArray();

        // Sizes far apart, a row twice, and a row of zeros.
        for (var at = 0; at < length; at++)
        {
            rows[at] *= 1e-9;
            rows[(count / 2 * length) + at] = rows[((count - 1) * length) + at];
            if (count > 2)
                rows[length + at] = 0;
        }

        var side = Math.Min(count, length);
        var triangle = Triangle.Of((double[])rows.Clone(), count, length);

        Assert.Equal(count * side, triangle.Length);
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < count; j++)
            {
                var norms = Math.Sqrt(Product(rows, length, i, i) * Product(rows, length, j, j));
                Assert.True(Math.Abs(Product(rows, length, i, j) - Product(triangle, side, i, j)) <= 1e-14 * norms, $"{i}, {j}");
            }

            Assert.All(triangle.Skip((i * side) + i + 1).Take(side - Math.Min(side, i + 1)), value => Assert.Equal(0, value));
        }
    }

    private static double Product(double[] rows, int length, int i, int j) =>
        Enumerable.Range(0, length).Sum(at => rows[(i * length) + at] * rows[(j * length) + at]);
}
