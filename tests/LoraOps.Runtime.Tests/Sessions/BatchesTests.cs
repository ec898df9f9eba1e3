using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Tests.Sessions;

public sealed class BatchesTests
{
    [Fact]
    public void Cuts_a_range_into_runs_and_a_rest() =>
        Assert.Equal([(5, 4), (9, 4), (13, 1)], Batches.Of(5, 9, 4));

    [Fact]
    public void Keeps_a_fixed_size() => Assert.Equal([(0, 4), (4, 2)], new Batches(6, 4).Runs());

    [Fact]
    public void Takes_one_sample_first_and_many_of_small_outputs_after_it() =>
        Assert.Equal([(0, 1), (1, 32), (33, 7)], Drain(new Batches(40, null), elements: 10));

    [Fact]
    public void Takes_few_samples_of_large_outputs() =>
        Assert.Equal([(0, 1), (1, 2), (3, 2)], Drain(new Batches(5, null), elements: 1 << 24));

    [Fact]
    public void Takes_one_sample_that_is_larger_than_the_bound() =>
        Assert.Equal([(0, 1), (1, 1)], Drain(new Batches(2, null), elements: 1L << 40));

    private static List<(int First, int Count)> Drain(Batches batches, long elements)
    {
        var runs = new List<(int First, int Count)>();
        foreach (var run in batches.Runs())
        {
            batches.Saw(elements * run.Count);
            runs.Add(run);
        }

        return runs;
    }
}
