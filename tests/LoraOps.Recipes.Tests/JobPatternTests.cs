namespace LoraOps.Recipes.Tests;

/// <summary>What <c>--only</c> selects.</summary>
public sealed class JobPatternTests
{
    [Theory]
    [InlineData("shanghai", true)]
    [InlineData("orin-x", true)]
    [InlineData("shanghai/orin-x", true)]
    [InlineData("*", true)]
    [InlineData("sh*", true)]
    [InlineData("*hai", true)]
    [InlineData("s*g*/o*x", true)]
    [InlineData("shangha?", true)]
    [InlineData("*/orin-?", true)]
    [InlineData("shang", false)]
    [InlineData("SHANGHAI", false)]
    [InlineData("shanghai/x64-vnni", false)]
    [InlineData("", false)]
    [InlineData("shanghai?", false)]
    [InlineData("*a*a*a*a*a*b", false)]
    public void A_pattern_fits_the_adapter_the_chip_or_both(string pattern, bool selects) =>
        Assert.Equal(selects, JobPattern.Selects(pattern, "shanghai", "orin-x"));
}
