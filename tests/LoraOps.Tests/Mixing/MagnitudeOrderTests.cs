using LoraOps.Mixing;
using LoraOps.Testing;
using static LoraOps.Tests.Mixing.MatrixSamples;

namespace LoraOps.Tests.Mixing;

/// <summary>Cuts of the magnitude order, found in streamed tiles with little memory, against a sorted list.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class MagnitudeOrderTests
{
    public static TheoryData<string> Kinds => [.. ElementSamples.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Cuts_where_a_sorted_list_does(string kind)
    {
        foreach (var (rows, columns) in new[] { (1, 1), (1, 300), (300, 1), (13, 37) })
            Cuts(kind, rows, columns);
    }

    [Fact]
    public void Cuts_a_product_where_it_would_cut_its_elements()
    {
        var product = Random(3, 61, 900, 5, 0.3);
        var held = new Elements(product.ToArray(), product.Rows, product.Columns);
        foreach (var count in new long[] { 1, 500, 27450, 54899, 54900 })
        {
            var expected = new MagnitudeOrder(held, 1 << 20).CutAfter(count);
            foreach (var capacity in new[] { 1, 100, 4000, 20000 })
                Assert.Equal(expected, new MagnitudeOrder(product, capacity).CutAfter(count));
        }
    }

    [Fact]
    public void A_part_of_the_elements_is_cut_like_all_of_them()
    {
        double[] values = [0, 2, -2, 2, 1, -3, 2, 0];
        var cut = new MagnitudeOrder(new Elements(values, 1, 8), 100).CutAfter(3);
        var part = values[2..];
        cut.KeepBefore(part, 2);
        Assert.Equal([-2, 0, 0, -3, 0, 0], part);
    }

    private static void Cuts(string kind, int rows, int columns)
    {
        var values = ElementSamples.Of(kind, rows * columns);
        var order = ElementOracle.Order(values);
        var delta = new Elements(values, rows, columns);
        int[] counts = [1, 2, values.Length / 3, values.Length / 2, values.Length - 1, values.Length];
        foreach (var count in counts.Where(count => count > 0 && count <= values.Length).Distinct())
        {
            var (kept, dropped) = (new double[values.Length], (double[])values.Clone());
            foreach (var index in order.Take(count))
                (kept[index], dropped[index]) = (values[index], 0);

            // 1 holds next to nothing, 20 a band, 1000 everything.
            foreach (var capacity in new[] { 1, 20, 1000 })
            {
                var cut = new MagnitudeOrder(delta, capacity).CutAfter(count);
                var (before, after) = ((double[])values.Clone(), (double[])values.Clone());
                cut.KeepBefore(before, 0);
                cut.DropBefore(after, 0);
                Assert.Equal(kept, before);
                Assert.Equal(dropped, after);
                Assert.Equal(new MagnitudeCut(BitConverter.DoubleToInt64Bits(Math.Abs(values[order[count - 1]])), order[count - 1] + 1), cut);
            }
        }
    }
}
