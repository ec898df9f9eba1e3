using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>OFT, BOFT, HRA, MiSS and RoAd against dense matrices in float64, and the laws that they obey.</summary>
public sealed class RotationTests : IDisposable
{
    private const string True = "true";
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, long[], long> Splits => new()
    {
        { "oft", [24, 12], 5 },
        { "oft-embedding", [24, 12], 7 },
        { "oft-conv", [6, 3, 2, 2], 1 },
        { "boft", [24, 16], 3 },
        { "boft-conv", [6, 4, 2, 2], 8 },
        { "hra", [24, 12], 7 },
        { "hra-gs", [24, 12], 1 },
        { "miss", [24, 12], 5 },
        { "miss-mini", [24, 12], 5 },
        { "miss-bat", [24, 12], 6 },
        { "road", [24, 5], 8 },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Splits))]
    public void Blocks_of_any_size_give_the_same_bits(string kind, long[] dims, long block)
    {
        var (delta, shape) = (Make(kind), new TensorShape(dims));
        var weight = Rotations.Values(shape.ElementCount);
        var whole = Rotations.Merge(delta, shape, weight, weight.Length / delta.ColumnsOf(shape));

        Assert.Equal(whole, Rotations.Merge(delta, shape, weight, block));
        Assert.NotEqual(weight, whole);
    }

    [Theory]
    [MemberData(nameof(Splits))]
    public void Half_a_factor_is_half_of_the_change(string kind, long[] dims, long block)
    {
        var (delta, shape) = (Make(kind), new TensorShape(dims));
        var weight = Rotations.Values(shape.ElementCount);
        var (whole, half) = (Rotations.Merge(delta, shape, weight, block), Rotations.Merge(delta, shape, weight, block, 0.5f));
        for (var index = 0; index < weight.Length; index++)
            Assert.Equal((whole[index] + weight[index]) / 2, half[index], 1e-6f);
    }

    [Theory]
    [InlineData("oft-exact", 24)]
    [InlineData("boft", 16)]
    [InlineData("hra", 12)]
    [InlineData("hra-gs", 12)]
    public void A_rotation_keeps_the_length_of_every_row(string kind, int columns)
    {
        var (delta, shape) = (Make(kind), new TensorShape(24, columns));
        var weight = Rotations.Values(shape.ElementCount);
        var turned = Rotations.Merge(delta, shape, weight, 24);
        for (var row = 0; row < 24; row++)
            Assert.Equal(Length(weight, row * columns, 1, columns), Length(turned, row * columns, 1, columns), 1e-6);
    }

    [Theory]
    [InlineData("road_1", 12)]
    [InlineData("road_2", 24)]
    [InlineData("road_4", 48)]
    public void Road_with_one_angle_for_a_pair_keeps_the_length_of_every_column(string variant, int count)
    {
        float[] angles = [.. Enumerable.Repeat(0.7f, count)];
        float[] ones = [.. Enumerable.Repeat(1f, count)];
        var deltas = Road(variant).Part("road_theta", angles, count).Part("road_alpha", ones, count).Deltas(_folder);
        Assert.Equal(["weight", "bias"], deltas.Select(delta => delta.Parameter));
        Assert.True(deltas[1].IsOptional);
        foreach (var (delta, columns) in deltas.Zip([5, 1]))
        {
            var shape = delta.WeightShape ?? new TensorShape(24, columns);
            var weight = Rotations.Values(shape.ElementCount);
            var turned = Rotations.Merge(delta, shape, weight, 8);
            for (var column = 0; column < columns; column++)
                Assert.Equal(Length(weight, column, columns, 24), Length(turned, column, columns, 24), 1e-6);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(9)]
    public void The_series_has_the_terms_that_PEFT_adds(int terms)
    {
        var upper = Rotations.Values(6);
        var delta = Rotations.Oft(("num_cayley_neumann_terms", $"{terms}")).Part("oft_R.weight", upper, 1, 6).Deltas(_folder)[0];
        var skew = Dense.Skew(upper, 4);
        var rotation = Dense.Identity(4);
        var power = Dense.Identity(4);
        for (var exponent = 1; exponent <= (terms == 3 ? 3 : terms - 1); exponent++)
        {
            power = Dense.Times(power, skew);
            rotation = Dense.Plus(rotation, power, exponent == Math.Max(3, terms - 1) ? 1 : 2);
        }

        Compare(delta, new TensorShape(5, 4), weight => Dense.Times(weight, Dense.Transposed(rotation)));
    }

    [Fact]
    public void A_shared_block_turns_every_part_of_the_input_by_the_exact_transform()
    {
        var upper = Rotations.Values(3);
        var delta = Rotations.Oft(("use_cayley_neumann", "false"), ("block_share", True)).Part("oft_R.weight", upper, 1, 3).Deltas(_folder)[0];
        var rotation = Dense.Cayley(Dense.Skew(upper, 3));
        Compare(delta, new TensorShape(5, 9), weight => Dense.Times(weight, Dense.Transposed(Dense.Blocks([rotation, rotation, rotation]))));
    }

    [Fact]
    public void Three_butterfly_factors_are_their_dense_product()
    {
        var (values, gains) = (Rotations.Values(3 * 4 * 16), Rotations.Values(5, 6));
        var delta = Rotations.Of("BOFT").Part("boft_R", values, 3, 4, 4, 4).Part("boft_s", gains, 5, 1).Deltas(_folder)[0];
        var product = Dense.Identity(16);
        for (var factor = 0; factor < 3; factor++)
            product = Dense.Times(Dense.Butterfly(values, factor), product);

        Compare(delta, new TensorShape(5, 16), weight => Dense.Scaled(Dense.Times(weight, Dense.Transposed(product)), gains));
    }

    [Fact]
    public void A_convolution_of_BOFT_is_read_as_a_matrix_of_its_elements()
    {
        var (values, gains) = (Rotations.Values(3 * 4 * 16), Rotations.Values(6, 6));
        var delta = Rotations.Of("BOFT").Part("boft_R", values, 3, 4, 4, 4).Part("boft_s", gains, 1, 6).Deltas(_folder)[0];
        var product = Dense.Identity(16);
        for (var factor = 0; factor < 3; factor++)
            product = Dense.Times(Dense.Butterfly(values, factor), product);

        // The oracle rotates the rows of the transposed matrix: weight is [16, 6] here, one column for each gain.
        var (shape, weight) = (new TensorShape(6, 4, 2, 2), Rotations.Values(96));
        var turned = Dense.Times(product, Dense.Of(weight, 16));
        var merged = Rotations.Merge(delta, shape, weight, 16);
        for (var index = 0; index < weight.Length; index++)
            Assert.Equal(turned[index / 6, index % 6] * gains[index % 6], merged[index], 1e-6);
    }

    [Theory]
    [InlineData(false, 9)]
    [InlineData(true, 5)]
    public void Reflections_follow_one_another(bool isOrthogonalised, int rank)
    {
        var values = Rotations.Values(7 * rank);
        var delta = Rotations.Of("HRA", ("apply_GS", isOrthogonalised ? True : "false")).Part("hra_u", values, 7, rank).Deltas(_folder)[0];
        Compare(delta, new TensorShape(5, 7), weight => Dense.Reflected(weight, Dense.Of(values, 7), isOrthogonalised));
    }

    [Fact]
    public void Miss_repeats_its_block_also_where_it_does_not_divide_the_input()
    {
        var values = Rotations.Values(15);
        var delta = Rotations.Of("MISS").Part("miss_block", values, 3, 5).Deltas(_folder)[0];
        Assert.False(delta.NeedsWeight);
        Compare(delta, new TensorShape(5, 7), weight =>
        {
            for (var index = 0; index < 35; index++)
                weight[index / 7, index % 7] += values[(index % 7 % 3 * 5) + (index / 7)];

            return weight;
        });
    }

    [Fact]
    public void Zero_angles_and_unit_lengths_change_nothing()
    {
        using var other = new TemporaryFolder();
        var road = Road("road_1").Part("road_theta", new float[12], 12).Part("road_alpha", [.. Enumerable.Repeat(1f, 12)], 12).Deltas(_folder)[0];
        var oft = Rotations.Oft().Part("oft_R.weight", new float[6], 1, 6).Deltas(other)[0];
        var weight = Rotations.Values(24 * 4);
        Assert.Equal(weight, Rotations.Merge(road, new TensorShape(24, 4), weight, 24));
        Assert.Equal(weight, Rotations.Merge(oft, new TensorShape(24, 4), weight, 24));
    }

    [Theory]
    [InlineData(0f, false)]
    [InlineData(1f, true)]
    [Raises(ProblemCode.AdapterTensorInvalid)]
    public void A_reflection_without_direction_is_refused_when_it_is_prepared(float value, bool isOrthogonalised)
    {
        float[] values = [.. Enumerable.Repeat(value, 8)];
        var delta = Rotations.Of("HRA", ("apply_GS", isOrthogonalised ? True : "false")).Part("hra_u", values, 4, 2).Deltas(_folder)[0];
        var shape = new TensorShape(3, 4);
        var error = Assert.Throws<LoraOpsException>(() => delta.Prepare(TargetWeight.Of(shape, new float[12])));
        Assert.Equal(ProblemCode.AdapterTensorInvalid, Assert.Single(error.Problems).Code);
    }

    private static void Compare(Delta delta, TensorShape shape, Func<double[,], double[,]> oracle)
    {
        var weight = Rotations.Values(shape.ElementCount);
        var merged = Rotations.Merge(delta, shape, weight, shape[0]);
        var expected = oracle(Dense.Of(weight, (int)shape[0]));
        for (var index = 0; index < weight.Length; index++)
            Assert.Equal(expected[index / (int)shape[1], index % (int)shape[1]], merged[index], 1e-6);
    }

    private static double Length(float[] values, int first, int step, int count) =>
        Math.Sqrt(Enumerable.Range(0, count).Sum(index => (double)values[first + (index * step)] * values[first + (index * step)]));

    private static TinyAdapter Road(string variant) => Rotations.Of("ROAD", ("variant", $"\"{variant}\""), ("group_size", "8"));

    private Delta Make(string kind) => Maker(kind).Deltas(_folder)[0];

    private static TinyAdapter Maker(string kind) => kind switch
    {
        "oft" => Rotations.Oft().Part("oft_R.weight", 3, 6),
        "oft-exact" => Rotations.Oft(("use_cayley_neumann", "false")).Part("oft_R.weight", 6, 6),
        "oft-embedding" => Rotations.Oft().Part("oft_embedding_R.weight", 3, 6),
        "oft-conv" => Rotations.Oft(("coft", True), ("eps", "0.1")).Part("oft_R.weight", 2, 15),
        "boft" => Rotations.Of("BOFT").Part("boft_R", 3, 4, 4, 4).Part("boft_s", [.. Enumerable.Repeat(1f, 24)], 24, 1),
        "boft-conv" => Rotations.Of("BOFT").Part("boft_R", 2, 4, 4, 4).Part("boft_s", 1, 6),
        "hra" => Rotations.Of("HRA").Part("hra_u", 12, 5),
        "hra-gs" => Rotations.Of("HRA", ("apply_GS", True)).Part("hra_u", 12, 5),
        "miss" => Rotations.Of("MISS").Part("miss_block", 5, 24),
        "miss-mini" => Rotations.Of("MISS", ("init_weights", "\"mini\""), ("mini_r", "8")).Part("miss_block", 5, 8),
        "miss-bat" => Rotations.Of("MISS", ("init_weights", "\"bat\"")).Part("miss_block", 8, 3, 3),
        _ => Road("road_4").Part("road_theta", 48).Part("road_alpha", 48),
    };
}
