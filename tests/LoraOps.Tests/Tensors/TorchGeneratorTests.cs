using LoraOps.Tensors;

namespace LoraOps.Tests.Tensors;

public sealed class TorchGeneratorTests
{
    // The reference implementation's first and its ten-thousandth number for the seed 5489 (C++ standard, mt19937).
    [Fact]
    public void Draws_the_numbers_of_MT19937()
    {
        var generator = new TorchGenerator(5489);
        Assert.Equal(3499211612u, generator.Next());
        for (var index = 2; index < 10_000; index++)
            generator.Next();

        Assert.Equal(4123659995u, generator.Next());
    }

    [Fact]
    public void Only_the_lower_half_of_a_seed_counts() =>
        Assert.Equal(new TorchGenerator(7).Next(), new TorchGenerator((1L << 40) + 7).Next());

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 10)]
    [InlineData(1000, 7)]
    public void The_beginning_of_a_permutation_is_that_of_the_whole(int count, int length)
    {
        var generator = new TorchGenerator(777);
        var whole = Enumerable.Range(0, count).Select(index => (long)index).ToArray();
        for (var index = 0; index < count - 1; index++)
        {
            var other = index + (int)(generator.Next() % (uint)(count - index));
            (whole[index], whole[other]) = (whole[other], whole[index]);
        }

        Assert.Equal(whole.Take(length), new TorchGenerator(777).Permutation(count, length));
        Assert.Equal(count, new TorchGenerator(777).Permutation(count, count).Distinct().Count());
    }

    [Fact]
    public void Uniform_numbers_use_the_lower_24_bits()
    {
        var values = new float[100];
        new TorchGenerator(3).Fill(values, -0.5f, 0.5f);
        var generator = new TorchGenerator(3);
        Assert.All(values, value => Assert.Equal(((generator.Next() & 0xFFFFFF) / 16777216.0) - 0.5, value, 1e-7));
    }

    [Fact]
    public void A_permutation_that_depends_on_PyTorchs_version_is_not_drawn() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new TorchGenerator(0).Permutation(TorchGenerator.PermutationLimit, 1));
}
