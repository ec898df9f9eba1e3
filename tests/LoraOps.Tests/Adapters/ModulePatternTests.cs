using LoraOps.Adapters;
using LoraOps.Problems;

namespace LoraOps.Tests.Adapters;

public sealed class ModulePatternTests
{
    // The rule of PEFT 0.15 and later, with Python's own way of writing.
    [Theory]
    [InlineData("foo", "foo", true)]
    [InlineData("foo", "a.foo", true)]
    [InlineData("foo", "afoo", false)]
    [InlineData("foo", "foo.bar", false)]
    [InlineData("^foo", "foo", true)]
    [InlineData("^foo", "a.foo", false)]
    [InlineData("base_model.model.foo", "foo", false)]
    [InlineData(@"layers\.\d+\.q", "m.layers.12.q", true)]
    [InlineData("q|v", "a.v", true)]
    [InlineData(@"(?P<name>q)_(?P=name)", "a.q_q", true)]
    [InlineData(@"q\Z", "a.q", true)]
    [InlineData(@"q\\Z", @"a.q\Z", true)]
    public void Matches_as_peft_does(string pattern, string module, bool matches) => Assert.Equal(
        matches ? 3 : null, ModulePattern.Find([KeyValuePair.Create(pattern, 3)], new ModuleName(module)));

    [Fact]
    public void The_first_match_in_file_order_wins() => Assert.Equal(1.5, ModulePattern.Find(
        [KeyValuePair.Create("k", 9.0), KeyValuePair.Create(".*q", 1.5), KeyValuePair.Create("a.q", 2.5)], new ModuleName("a.q")));

    [Fact]
    public void A_pattern_that_backtracks_without_end_is_refused() => Assert.Equal(
        ProblemCode.PatternInvalid,
        Assert.Throws<LoraOpsException>(() => ModulePattern.Find(
            [KeyValuePair.Create("(a+)+", 1)], new ModuleName(new string('a', 60) + "!"))).Problems[0].Code);
}
