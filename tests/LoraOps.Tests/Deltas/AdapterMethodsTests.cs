using LoraOps.Deltas;

namespace LoraOps.Tests.Deltas;

public sealed class AdapterMethodsTests
{
    [Fact]
    public void Every_method_is_listed() => Assert.Equal(
        typeof(AdapterMethod).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(AdapterMethod)))
            .Select(type => type.Name)
            .Order(StringComparer.Ordinal),
        AdapterMethods.All.Select(method => method.GetType().Name).Order(StringComparer.Ordinal));

    [Fact]
    public void No_method_is_both_read_and_refused()
    {
        Assert.All(AdapterMethods.All, method => Assert.False(AdapterMethods.Refused.ContainsKey(method.PeftType)));
        Assert.Equal(AdapterMethods.All.Count, AdapterMethods.All.Select(method => method.Name).Distinct().Count());
    }
}
