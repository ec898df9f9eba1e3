using LoraOps.Mixing;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

/// <summary>The random numbers of the definitions, one at a time and in rows.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class CounterRandomTests
{
    private static readonly CounterRandom Known = new(42, "model.layers.0.self_attn.q_proj", 1);

    [Fact]
    public void Has_the_check_values_of_the_definition()
    {
        Assert.Equal(0xAF63EC4C860207BC, CounterRandom.Hash("q"));
        Assert.Equal(0xB53E31C1C7668199, Known.Key);
        Assert.Equal(0.47913739559128243, Known.At(0));
        Assert.Equal(0.830805381188627, Known.At(1));
        Assert.Equal(0.9595200154667574, Known.At(1000));
    }

    [Fact]
    public void Hashes_the_bytes_of_a_name() => Assert.NotEqual(CounterRandom.Hash("h"), CounterRandom.Hash("ħ"));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(3, 7)]
    [InlineData(0, 8)]
    [InlineData(5, 29)]
    [InlineData(0xFFFFFFFFF, 64)]
    public void Fills_a_row_with_the_same_numbers(long first, int length)
    {
        var row = new double[length];
        Known.Fill(first, row);
        Assert.Equal(Enumerable.Range(0, length).Select(at => Known.At(first + at)), row);
    }

    [Fact]
    public void Keeps_a_value_where_its_number_is_below_the_probability()
    {
        var numbers = new double[37];
        Known.Fill(11, numbers);

        // Just at a number, just above it, and where nothing or all is kept.
        foreach (var probability in new[] { 0, numbers[3], Math.BitIncrement(numbers[3]), Math.BitDecrement(numbers[20]), 0.5, double.Epsilon, 1 })
        {
            var values = Enumerable.Range(1, numbers.Length).Select(value => -(double)value).ToArray();
            var expected = values.Select((value, at) => numbers[at] < probability ? value : 0).ToArray();
            Known.Drop(values, 11, probability);
            Assert.Equal(expected, values);
        }
    }

    [Fact]
    public void Depends_on_seed_name_and_position()
    {
        CounterRandom[] others = [new(43, "model.layers.0.self_attn.q_proj", 1), new(42, "q", 1), new(42, "q", 2)];
        ulong[] keys = [Known.Key, .. others.Select(random => random.Key)];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }
}
