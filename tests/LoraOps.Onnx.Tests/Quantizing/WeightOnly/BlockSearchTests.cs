using LoraOps.Onnx.Quantizing.WeightOnly;

namespace LoraOps.Onnx.Tests.Quantizing.WeightOnly;

public sealed class BlockSearchTests
{
    public static TheoryData<BlockGrid> Grids()
    {
        var data = new TheoryData<BlockGrid>();
        foreach (var bits in new[] { 4, 8 })
        {
            foreach (var block in new[] { 16, 32, 100 })
            {
                data.Add(new BlockGrid(7, 75, block, bits, IsAsymmetric: false));
                data.Add(new BlockGrid(7, 75, block, bits, IsAsymmetric: false) { AllowsNegativeScales = true });
                data.Add(new BlockGrid(7, 75, block, bits, IsAsymmetric: true));
            }
        }

        return data;
    }

    [Fact]
    public void Plain_codes_are_those_of_the_definition()
    {
        // The largest magnitude, 8 with its sign, is code 0 of 4 bits: scale 8 / −8; halves go away from zero.
        var grid = new BlockGrid(1, 4, 16, 4, IsAsymmetric: false) { AllowsNegativeScales = true };
        var weight = BlockSearch.Quantize(new[] { 8f, 0.5f, -1.5f, -7f }, grid, ScaleSearch.Range);

        Assert.Equal([-1f], weight.Scales);
        Assert.Equal([8], weight.Zeros);
        Assert.Equal([0, 7, 10, 15], weight.Codes);

        // Without negative scales 8 must fit the seven codes above zero.
        var positive = BlockSearch.Quantize(new[] { 8f, 0.5f, -1.5f, -7f }, grid with { AllowsNegativeScales = false }, ScaleSearch.Range);
        Assert.Equal([8 / 7f], positive.Scales);
        Assert.Equal([15, 8, 7, 2], positive.Codes);

        // −1 to 2 over 15 codes: scale 0.2, zero at code 5.
        var asymmetric = BlockSearch.Quantize(new[] { -1f, 2f, 0f, 0.31f }, grid with { IsAsymmetric = true }, ScaleSearch.Range);
        Assert.Equal([0.2f], asymmetric.Scales);
        Assert.Equal([5], asymmetric.Zeros);
        Assert.Equal([0, 15, 5, 7], asymmetric.Codes);
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void The_search_never_loses_more_than_the_plain_codes_and_its_codes_are_the_nearest(BlockGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        for (var seed = 0; seed < 12; seed++)
        {
            var values = Values(grid, seed);
            var plain = BlockSearch.Quantize(values, grid, ScaleSearch.Range);
            var found = BlockSearch.Quantize(values, grid);

            Assert.True(found.Sqnr(values) >= plain.Sqnr(values) - 1e-9, $"{seed}: {found.Sqnr(values)} < {plain.Sqnr(values)}");
            Assert.Equal(Sqnr(found, values), found.Sqnr(values), 1e-4);
            Assert.All(found.Scales, scale => Assert.True(float.IsNormal(scale) && (grid.AllowsNegativeScales || scale > 0)));
            for (var i = 0; i < values.Length; i++)
            {
                var block = (i / grid.Columns * grid.Blocks) + (i % grid.Columns / grid.Block);
                var real = values[i] / (double)found.Scales[block] + found.Zeros[block];
                Assert.InRange(Math.Abs(Math.Clamp(real, 0, grid.Highest) - found.Codes[i]), 0, 0.5001);
            }
        }
    }

    [Fact]
    public void The_search_wins_a_third_of_a_decibel_on_four_bits_of_a_normal_weight()
    {
        var grid = new BlockGrid(64, 256, 32, 4, IsAsymmetric: false) { AllowsNegativeScales = true };
        var values = Values(grid, 4, gaussian: true);

        Assert.InRange(BlockSearch.Quantize(values, grid).Sqnr(values) - BlockSearch.Quantize(values, grid, ScaleSearch.Range).Sqnr(values), 0.33, 2);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-38f)]
    [InlineData(1e38f)]
    public void Extreme_blocks_have_usable_scales(float size)
    {
        foreach (var isAsymmetric in new[] { false, true })
        {
            var grid = new BlockGrid(1, 16, 16, 4, isAsymmetric) { AllowsNegativeScales = !isAsymmetric };
            var values = Enumerable.Range(0, 16).Select(i => size * (i % 5 - 2)).ToArray();
            var weight = BlockSearch.Quantize(values, grid);

            Assert.True(float.IsNormal(weight.Scales[0]), $"{weight.Scales[0]}");
            Assert.All(Enumerable.Range(0, 16), i => Assert.InRange(Math.Abs(weight.Value(0, i) - values[i]), 0, Math.Max(1e-30f, 0.3f * size)));
        }
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        var grid = new BlockGrid(200, 96, 32, 4, IsAsymmetric: true);
        var values = Values(grid, 9);
        var whole = BlockSearch.Quantize(values, grid);
        for (var row = 0; row < grid.Rows; row++)
        {
            var alone = BlockSearch.Quantize(values.AsMemory(row * grid.Columns, grid.Columns), grid with { Rows = 1 });
            Assert.Equal(alone.Codes, whole.Codes.AsSpan(row * grid.Columns, grid.Columns).ToArray());
            Assert.Equal(alone.Scales, whole.Scales.AsSpan(row * grid.Blocks, grid.Blocks).ToArray());
        }
    }

    [Fact]
    public void Codes_that_somebody_chose_must_fit()
    {
        var grid = new BlockGrid(1, 16, 16, 4, IsAsymmetric: false);
        var weight = BlockSearch.Quantize(new float[16], grid);

        Assert.Equal(3, weight.With([.. Enumerable.Repeat((byte)3, 16)]).Codes[7]);
        Assert.Throws<ArgumentException>(() => weight.With(new byte[15]));
        Assert.Throws<ArgumentException>(() => weight.With([.. Enumerable.Repeat((byte)16, 16)]));
    }

    internal static float[] Values(BlockGrid grid, int seed, bool gaussian = false)
    {
        var random = new Random(seed);
        var values = new float[grid.Rows * grid.Columns];
        for (var i = 0; i < values.Length; i++)
        {
            var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(gaussian ? normal : normal * Math.Pow(10, random.Next(-2, 2)) + (seed % 3));
        }

        return values;
    }

    private static double Sqnr(BlockedWeight weight, float[] values)
    {
        var grid = weight.Grid;
        var (signal, noise) = (0.0, 0.0);
        for (var i = 0; i < values.Length; i++)
        {
            var block = (i / grid.Columns * grid.Blocks) + (i % grid.Columns / grid.Block);
            var lost = values[i] - ((weight.Codes[i] - weight.Zeros[block]) * (double)weight.Scales[block]);
            (signal, noise) = (signal + ((double)values[i] * values[i]), noise + (lost * lost));
        }

        return 10 * Math.Log10(signal / noise);
    }
}
