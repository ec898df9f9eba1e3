using LoraOps.Mixing;
using LoraOps.Testing;
using static LoraOps.Tests.Mixing.MatrixSamples;

namespace LoraOps.Tests.Mixing;

/// <summary>The element-wise methods against plain loops, and the laws that their definitions imply.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class ElementMixTests
{
    private static readonly double[] Weights = [0.6, -0.35, 1.1, 0, 0.25];
    private static readonly Rescale?[] Rescales = [null, Rescale.InverseDensity, Rescale.InverseProbability, Rescale.L1, Rescale.None];

    public static TheoryData<string> Methods => [.. ElementOracle.Methods];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Meets_plain_loops(string method)
    {
        var shapes = new[] { (1, 1), (1, 41), (41, 1), (9, 23), (16, 32) };
        var random = new Random(17);
        for (var round = 0; round < 160; round++)
        {
            var kind = ElementSamples.Kinds[round % ElementSamples.Kinds.Count];
            var (rows, columns) = shapes[round % shapes.Length];
            var module = ElementSamples.Module(kind, rows, columns, Weights[..random.Next(1, 6)]);
            var settings = Settings(random);
            Same(ElementOracle.Mix(method, module, settings), Mix(method, module, settings), $"{kind}, {rows} x {columns}, {settings}");
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void One_adapter_of_weight_1_and_density_1_is_itself(string method)
    {
        var delta = Random(1, 11, 19, 3, 0.7);
        foreach (var settings in Elections().Select(settings => settings with { Density = 1, Rescale = Rescale.L1 }))
            Assert.Equal(delta.ToArray(), Mix(method, ElementSamples.Module([1], delta), settings));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Density_0_leaves_nothing(string method) =>
        Assert.All(Mix(method, ElementSamples.Module("normal", 5, 7, 1, 2), new MixSettings { Density = 0 }), value => Assert.Equal(0, value));

    // An unweighted election counts the voice of an adapter of weight 0, and a count counts it: there the definition wins.
    [Theory]
    [MemberData(nameof(Methods))]
    public void Weight_0_removes_an_adapter_where_it_has_no_voice(string method)
    {
        var (all, settings) = (ElementSamples.Module("normal", 9, 23, 0.6, 0, -0.35), new MixSettings { Density = 0.5, ElectOn = ElectOn.Weighted });
        var without = all with { Shares = [all.Shares[0], all.Shares[2]] };
        foreach (var divisor in Enum.GetValues<Divisor>())
            Assert.Equal(Mix(method, without, settings with { Divisor = divisor }), Mix(method, all, settings with { Divisor = divisor }));
    }

    [Fact]
    public void Weight_0_votes_where_weights_do_not()
    {
        var module = ElementSamples.Module([1, 0], new Elements([2, 2], 1, 2), new Elements([-3, 1], 1, 2));
        Assert.Equal([0, 1], Mix("ties", module, new MixSettings { Density = 1 }));
    }

    // The position of an adapter is part of its random numbers; it goes where the adapter goes.
    [Theory]
    [MemberData(nameof(Methods))]
    public void The_order_of_owners_does_not_matter(string method)
    {
        var module = ElementSamples.Module("grid", 9, 23, 0.5, -0.25, 1, 2);
        var turned = module with { Shares = [.. module.Shares.Reverse()] };
        foreach (var settings in Elections().Select(settings => settings with { Density = 0.5, Rescale = Rescale.None }))
            Assert.Equal(Mix(method, module, settings), Mix(method, turned, settings));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Scaling_one_factor_up_and_the_other_down_changes_nothing(string method)
    {
        LowRank[] deltas = [Random(1, 11, 19, 3, 0.7), Random(2, 11, 19, 2)];
        LowRank[] scaled = [.. deltas.Select(delta => new LowRank(
            Array.ConvertAll(delta.B, value => value / 64), Array.ConvertAll(delta.A, value => value * 64), delta.Rank, (11, 19), delta.Scale))];
        var settings = new MixSettings { Density = 0.4 };
        Assert.Equal(Mix(method, ElementSamples.Module([0.7, -0.3], deltas), settings), Mix(method, ElementSamples.Module([0.7, -0.3], scaled), settings));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Any_rows_are_read_like_all_of_them(string method)
    {
        var module = ElementSamples.Module([0.7, -0.3, 1], Random(1, 23, 37, 3), Random(2, 23, 37, 2), Random(3, 23, 37, 7));
        var mixed = MixMethods.Find(method)!.Mix(module, new MixSettings { Density = 0.4, Rescale = Rescale.L1 });
        var all = mixed.ToArray();
        foreach (var (first, rows) in new[] { (0, 1), (22, 1), (5, 3), (7, 16) })
        {
            var part = new double[rows * 37];
            mixed.Read(first, part);
            Assert.Equal(all[(first * 37)..((first + rows) * 37)], part);
        }
    }

    [Theory]
    [InlineData("magnitude-prune", true)]
    [InlineData("breadcrumbs", true)]
    [InlineData("dare-linear", true)]
    [InlineData("della-linear", true)]
    [InlineData("ties", false)]
    public void Where_nothing_is_dropped_a_sum_stays_a_product_of_factors(string method, bool product)
    {
        var module = ElementSamples.Module([0.7, -0.3], Random(1, 11, 19, 3), Random(2, 11, 19, 2));
        Assert.Equal(product, MixMethods.Find(method)!.Mix(module, new MixSettings { Density = 1 }) is LowRank);
    }

    private static double[] Mix(string method, MixModule module, MixSettings settings) => MixMethods.Find(method)!.Mix(module, settings).ToArray();

    private static IEnumerable<MixSettings> Elections() =>
        from vote in Enum.GetValues<SignVote>()
        from voice in Enum.GetValues<ElectOn>()
        from divisor in Enum.GetValues<Divisor>()
        select new MixSettings { MajoritySignMethod = vote, ElectOn = voice, Divisor = divisor };

    private static MixSettings Settings(Random random) => Elections().ElementAt(random.Next(12)) with
    {
        Density = new[] { 0, 0.1, 0.29, 0.5, 0.75, 0.97, 1 }[random.Next(7)],
        Gamma = new[] { 0, 0.01, 0.2, 1 }[random.Next(4)],
        Epsilon = new[] { 0, 0.1, 0.5 }[random.Next(3)],
        Lambda = new[] { 1, 0.7, -2 }[random.Next(3)],
        Normalize = random.Next(2) == 1,
        Seed = (ulong)random.NextInt64(),
        Rescale = Rescales[random.Next(5)],
    };

    private static void Same(double[] expected, double[] actual, string what)
    {
        var size = expected.Max(Math.Abs);
        for (var at = 0; at < expected.Length; at++)
        {
            var error = Math.Abs(expected[at] - actual[at]);
            var same = (expected[at] == 0) == (actual[at] == 0) && error <= (1e-14 * size) + (100 * double.Epsilon);
            Assert.True(same, $"{what}: {actual[at]} at {at} instead of {expected[at]}");
        }
    }
}
