using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>Matrices too large to be cut exactly, with spectra that are known.</summary>
public sealed class RandomizedSvdTests
{
    private const int Rows = 260;
    private const int Columns = 290;

    private static readonly Lazy<(ThinSvd Left, ThinSvd Right)> _bases = new(() =>
        (ThinSvd.Of(MatrixSamples.Random(1, Rows, Rows, Rows)), ThinSvd.Of(MatrixSamples.Random(2, Rows, Columns, Rows))));

    [Theory]
    [InlineData(0.0, 16)]
    [InlineData(0.25, 16)]
    [InlineData(0.5, 4)]
    [InlineData(0.5, 40)]
    [InlineData(1.0, 16)]
    [InlineData(2.0, 64)]
    public void The_error_is_near_the_best_and_is_told(double decay, int rank)
    {
        double[] sigma = [.. Enumerable.Range(1, Rows).Select(at => Math.Pow(at, -decay))];
        var delta = Known(sigma);
        var cut = Truncation.Of(delta, new RankRule(rank));
        var (best, found) = (Norm(sigma.Skip(rank)), MatrixSamples.Distance(delta, cut.Factors));
        Assert.Equal(rank, cut.Factors.Rank);
        Assert.InRange(found, best * (1 - 1e-6), best * 1.005);
        Assert.Equal(found / Norm(sigma), cut.Error, 1e-6);
        Assert.Equal(Norm(sigma) * Norm(sigma), cut.Energy, 1e-6 * cut.Energy);
        Assert.InRange(cut.Sigma[0], sigma[0] * 0.9, sigma[0] * (1 + 1e-6));
    }

    [Fact]
    public void A_matrix_of_low_rank_is_found_whole()
    {
        var product = MatrixSamples.Random(3, Rows, Columns, 7);
        var cut = Truncation.Of(new MatrixSamples.Elements(product.ToArray(), Rows, Columns), new RankRule(12));
        Assert.True(MatrixSamples.Distance(product, cut.Factors) <= 1e-6 * Math.Sqrt(cut.Energy));
        Assert.InRange(cut.Error, 0, 1e-6);
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.9)]
    [InlineData(0.99)]
    public void An_energy_is_held_by_hardly_more_directions_than_needed(double energy)
    {
        double[] sigma = [.. Enumerable.Range(1, Rows).Select(at => Math.Pow(at, -0.7))];
        var squares = sigma.Select(value => value * value).ToArray();
        var needed = Enumerable.Range(1, Rows).First(count => squares.Take(count).Sum() >= energy * squares.Sum());
        var cut = Truncation.Of(Known(sigma), new RankRule(null, energy));
        Assert.InRange(cut.Factors.Rank, needed, (int)Math.Ceiling(needed * 1.02) + 1);
        Assert.True(cut.Kept >= energy - 1e-9);
        Assert.Equal(Math.Min(2, needed), Truncation.Of(Known(sigma), new RankRule(2, energy)).Factors.Rank);
    }

    [Theory]
    [InlineData(1e-60)]
    [InlineData(1e60)]
    public void Values_beyond_float32_are_no_matter(double scale)
    {
        var values = MatrixSamples.Values(new Random(4), Rows * Columns);
        var (plain, scaled) = (Cut(values), Cut([.. values.Select(value => value * scale)]));
        Assert.Equal(plain.Error, scaled.Error, 1e-6);
        Assert.Equal(1, scaled.Energy / scale / scale / plain.Energy, 1e-6);
        Assert.Equal(1, scaled.Sigma[0] / scale / plain.Sigma[0], 1e-5);

        static Truncated Cut(double[] elements) => Truncation.Of(new MatrixSamples.Elements(elements, Rows, Columns), new RankRule(3));
    }

    [Fact]
    public void Floats_in_memory_are_cut_as_they_are()
    {
        var values = Array.ConvertAll(MatrixSamples.Values(new Random(5), Rows * Columns), value => (float)value);
        var matrix = new FloatMatrix(values, Rows, Columns);
        var cut = Truncation.Of(matrix, new RankRule(5));
        Assert.Equal(cut.Error, MatrixSamples.Distance(matrix, cut.Factors) / Math.Sqrt(cut.Energy), 1e-12);
        Assert.Equal(cut.Factors.B, Truncation.Of(matrix, new RankRule(5)).Factors.B);
        Assert.Throws<ArgumentException>(() => new FloatMatrix(values, Rows, Columns - 1));
        Assert.Equal(Rows, Truncation.Of(matrix, new RankRule(Rows)).Factors.Rank);
        Assert.True(Truncation.Of(matrix, new RankRule(null, 1)).IsExact);
    }

    [Fact]
    public void What_is_not_finite_is_refused_and_zeros_are_nothing()
    {
        var values = new double[Rows * Columns];
        Assert.Equal(0, Truncation.Of(new MatrixSamples.Elements(values, Rows, Columns), new RankRule(5)).Factors.Rank);
        values[77] = double.NaN;
        Assert.Throws<ArgumentException>(() => Truncation.Of(new MatrixSamples.Elements(values, Rows, Columns), new RankRule(5)));
    }

    private static MatrixSamples.Elements Known(double[] sigma)
    {
        var (left, right) = _bases.Value;
        var scaled = new double[left.U.Length];
        for (var at = 0; at < scaled.Length; at++)
            scaled[at] = left.U[at] * sigma[at % Rows];

        return new MatrixSamples.Elements(new LowRank(scaled, right.V, Rows, (Rows, Columns)).ToArray(), Rows, Columns);
    }

    private static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
}
