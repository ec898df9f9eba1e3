using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>Every method against the closed formulae in float64, before any truncation is stored.</summary>
public sealed class GoldenMixTests
{
    public static TheoryData<string> Cases =>
        [.. GoldenMixCase.All().Where(name => MixMethods.Find(GoldenMixCase.MethodOf(name)) is not null && !GoldenMixCase.IsTruncated(name))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Meets_the_truth_in_float64(string name)
    {
        using var golden = GoldenMixCase.Of(name);
        var method = MixMethods.Find(golden.Method)!;
        foreach (var module in golden.Modules())
        {
            var (mixed, truth) = (method.Mix(module, golden.Settings).ToArray(), golden.Truth(module.Name));
            var norm = Math.Sqrt(truth.Sum(value => value * value));
            var error = Math.Sqrt(mixed.Zip(truth, (a, b) => (a - b) * (a - b)).Sum());
            Assert.True(error <= 1e-12 * Math.Max(norm, 1e-3), $"{module.Name}: error {error} of {norm}");

            // Which elements are zero is part of what an element-wise method says.
            if (ElementOracle.Methods.Contains(method.Name))
                Assert.Equal(truth.Select(value => value == 0), mixed.Select(value => value == 0));
        }
    }
}
