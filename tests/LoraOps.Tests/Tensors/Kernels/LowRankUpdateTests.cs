using System.Diagnostics;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Tests.Tensors.Kernels;

public sealed class LowRankUpdateTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 2)]
    [InlineData(17, 33, 4)]
    [InlineData(64, 129, 64)]
    [InlineData(5, 1000, 200)]
    public void Agrees_with_float64(int rows, int columns, int rank)
    {
        var random = new Random(rows + columns);
        var (sum, b, a) = (Values(random, rows * columns), Values(random, rows * rank), Values(random, rank * columns));
        var expected = new double[sum.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var product = 0.0;
                for (var k = 0; k < rank; k++)
                    product += (double)b[(row * rank) + k] * a[(k * columns) + column];

                expected[(row * columns) + column] = sum[(row * columns) + column] + (0.37f * product);
            }
        }

        LowRankUpdate.Add(sum, b, a, rank, 0.37f);

        var largest = expected.Max(Math.Abs);
        Assert.All(sum.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, -1e-6 * largest, 1e-6 * largest));
    }

    [Fact]
    public void Is_the_same_bits_as_one_fused_step_after_another()
    {
        var random = new Random(7);
        var (sum, b, a) = (Values(random, 6 * 37), Values(random, 6 * 5), Values(random, 5 * 37));
        var expected = new float[sum.Length];
        for (var index = 0; index < sum.Length; index++)
        {
            var (row, column) = (index / 37, index % 37);
            var product = a[column] * b[row * 5];
            for (var k = 1; k < 5; k++)
                product = MathF.FusedMultiplyAdd(a[(k * 37) + column], b[(row * 5) + k], product);

            expected[index] = sum[index] + (product * 1.5f);
        }

        LowRankUpdate.Add(sum, b, a, 5, 1.5f);

        Assert.Equal(expected, sum);
    }

    [Fact]
    public void Is_the_same_bits_without_vector_instructions()
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(LowRankUpdateTests).Assembly.Location])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_EnableHWIntrinsic"] = "0";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.Equal($"scalar {Program.Digest()}", output.Trim());
    }

    [Fact]
    public void Refuses_factors_that_do_not_fit()
    {
        Assert.Throws<ArgumentException>(() => LowRankUpdate.Add(new float[5], new float[2], new float[2], 1, 1));
        Assert.Throws<ArgumentException>(() => LowRankUpdate.Add(new float[4], new float[3], new float[2], 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LowRankUpdate.Add(new float[4], [], [], 0, 1));
    }

    private static float[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
}
