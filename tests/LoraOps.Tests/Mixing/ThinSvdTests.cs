using LoraOps.Mixing;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

[Trait("Category", ScalarRun.Category)]
public sealed class ThinSvdTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 1, 1 }, { 5, 1, 2 }, { 1, 7, 3 }, { 4, 3, 9 }, { 8, 8, 8 }, { 17, 33, 5 }, { 40, 12, 16 }, { 12, 40, 17 },
        { 130, 90, 31 }, { 64, 200, 64 }, { 30, 30, 64 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Has_the_spectrum_of_the_dense_matrix(int rows, int columns, int rank) =>
        Check(MatrixSamples.Random((rows * 7) + columns, rows, columns, rank, 0.5), Math.Min(rank, Math.Min(rows, columns)));

    [Fact]
    public void Many_small_products_keep_their_own_digits_however_near_their_columns_lie()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var (rows, columns, rank) = (random.Next(1, 40), random.Next(1, 40), random.Next(1, 24));
            var delta = MatrixSamples.Random(seed, rows, columns, rank, random.NextDouble() - 0.5);
            var nearness = Math.Pow(10, -random.Next(0, 17));
            for (var at = 0; at < delta.B.Length; at++)
                delta.B[at] = delta.B[at / rank * rank] + (nearness * delta.B[at] * Math.Pow(10, random.Next(-2, 3) * (at % rank)));

            var (svd, truth) = (ThinSvd.Of(delta), MatrixSamples.Dense(delta));
            var scale = Math.Sqrt(Enumerable.Range(0, rank).Max(index =>
                Enumerable.Range(0, rows).Sum(row => Math.Pow(delta.B[(row * rank) + index] * delta.Scale, 2)) * columns));
            Assert.True((truth - MatrixSamples.Dense(svd.ToLowRank())).FrobeniusNorm() <= 1e-12 * scale, $"{seed}: {rows} {columns} {rank}");
            Assert.InRange(MatrixSamples.Skew(svd.V, svd.Rank), 0, 1e-12);
            Assert.InRange(MatrixSamples.Skew(MatrixSamples.Transposed(svd.U, rows, svd.Rank), svd.Rank), 0, 1e-12);
        }
    }

    [Fact]
    public void Dependent_factors_have_the_rank_of_their_span()
    {
        var one = MatrixSamples.Random(1, 50, 40, 6);
        var twin = Stack(one, one, 0.7, 0.5);
        Check(twin, 6);
        var nearly = Stack(one, new LowRank([.. one.B.Select((value, at) => value * (1 + (1e-9 * (at % 7))))], one.A, 6, (50, 40)), 1, -1);

        // What is left is small beside the terms: it is right to the digits of these.
        var svd = ThinSvd.Of(nearly);
        Assert.InRange(svd.Rank, 1, 6);
        Assert.True(MatrixSamples.Distance(nearly, svd.ToLowRank()) <= 1e-13 * MatrixSamples.Dense(one).FrobeniusNorm());
    }

    [Fact]
    public void What_cancels_is_nothing()
    {
        var one = MatrixSamples.Random(2, 20, 30, 4);
        Assert.Equal(0, ThinSvd.Of(Stack(one, one, 1, -1)).Rank);
    }

    [Theory]
    [InlineData(0, 0.0)]
    [InlineData(3, 0.0)]
    public void Zeros_have_no_directions(int rank, double scale)
    {
        var svd = ThinSvd.Of(new LowRank(new double[6 * rank], new double[rank * 5], rank, (6, 5), scale));
        Assert.Equal((0, 6, 5), (svd.Rank, svd.Rows, svd.Columns));
        Assert.Equal(new double[30], svd.ToLowRank().ToArray());
    }

    [Theory]
    [InlineData(1e-150)]
    [InlineData(1e-12)]
    [InlineData(1e9)]
    [InlineData(1e140)]
    public void Scale_may_move_from_one_factor_to_the_other(double c)
    {
        var one = MatrixSamples.Random(3, 24, 31, 5);
        var moved = new LowRank([.. one.B.Select(value => value / c)], [.. one.A.Select(value => value * c)], 5, (24, 31));
        var (expected, found) = (ThinSvd.Of(one), ThinSvd.Of(moved));
        for (var at = 0; at < 5; at++)
            Assert.Equal(1, found.Sigma[at] / expected.Sigma[at], 1e-13);

        Assert.True(MatrixSamples.Distance(one, found.ToLowRank()) <= 1e-13 * expected.Sigma[0]);
    }

    [Fact]
    public void Pairs_of_very_different_size_keep_their_own_digits()
    {
        // Columns 12 orders apart in both factors, against each other.
        var random = new Random(5);
        var (b, a) = (MatrixSamples.Values(random, 30 * 6), MatrixSamples.Values(random, 6 * 20));
        for (var at = 0; at < b.Length; at++)
            b[at] *= Math.Pow(10, (2 * (at % 6)) - 6);

        for (var at = 0; at < a.Length; at++)
            a[at] *= Math.Pow(10, 6 - (at / 20));

        Check(new LowRank(b, a, 6, (30, 20)), 6);
    }

    [Fact]
    public void A_graded_spectrum_is_orthonormal_to_its_end()
    {
        var (left, right) = (ThinSvd.Of(MatrixSamples.Random(6, 90, 90, 12)), ThinSvd.Of(MatrixSamples.Random(7, 70, 70, 12)));
        double[] sigma = [.. Enumerable.Range(0, 12).Select(at => Math.Pow(10, -at))];
        var b = new double[90 * 12];
        for (var at = 0; at < b.Length; at++)
            b[at] = left.U[at] * sigma[at % 12];

        // Mixed by a third basis, so that the factors hide the directions.
        var turn = ThinSvd.Of(MatrixSamples.Random(8, 12, 12, 12));
        var back = MatrixSamples.Transposed(turn.U, 12, 12);
        var turned = new LowRank(
            new LowRank(b, turn.U, 12, (90, 12)).ToArray(), new LowRank(back, right.V, 12, (12, 70)).ToArray(), 12, (90, 70));
        var svd = Check(turned, 12);
        for (var at = 0; at < 12; at++)
            Assert.Equal(sigma[at], svd.Sigma[at], 1e-14);
    }

    [Fact]
    public void Equal_singular_values_have_orthonormal_vectors()
    {
        var basis = ThinSvd.Of(MatrixSamples.Random(9, 40, 40, 10));
        var svd = Check(new LowRank(basis.U, basis.V, 10, (40, 40), -3), 10);
        Assert.All(svd.Sigma, value => Assert.Equal(3, value, 1e-13));
    }

    private static LowRank Stack(LowRank first, LowRank second, double one, double two) => (LowRank)new CatMix().Mix(
        new MixModule(new("m"), [new MixShare(0, one, first), new MixShare(1, two, second)], [one, two]), new MixSettings());

    private static ThinSvd Check(LowRank delta, int rank)
    {
        var svd = ThinSvd.Of(delta);
        var truth = MatrixSamples.Dense(delta).Svd(false).S;
        Assert.Equal(rank, svd.Rank);
        for (var at = 0; at < svd.Rank; at++)
            Assert.True(Math.Abs(svd.Sigma[at] - truth[at]) <= 1e-13 * truth[0], $"{at}: {svd.Sigma[at]} is not {truth[at]}");

        Assert.True(svd.Sigma.SequenceEqual(svd.Sigma.OrderDescending()));
        Assert.InRange(MatrixSamples.Skew(svd.V, svd.Rank), 0, 1e-12);
        Assert.InRange(MatrixSamples.Skew(MatrixSamples.Transposed(svd.U, svd.Rows, svd.Rank), svd.Rank), 0, 1e-12);
        Assert.True(MatrixSamples.Distance(delta, svd.ToLowRank()) <= 2e-13 * Math.Max(truth[0], MatrixSamples.Dense(delta).FrobeniusNorm()));
        return svd;
    }
}
