using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LoraOps.Mixing;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

/// <summary>The algebra gives the same bits with and without vector instructions: their digest is written down.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class SameBitsTests
{
    [Fact]
    public void Of_a_product()
    {
        var random = new Random(1);
        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
        var product = new LowRank(Values(70 * 21), Values(21 * 50), 21, (70, 50), 0.3);
        Assert.Equal("28a9ea4c26c0f8fb", Digest(product.ToArray()));
        Assert.Equal("f86dc1f7e12792e1", Digest(Truncation.Of(product, new RankRule(9)).Factors.ToArray()));
    }

    [Fact]
    public void Of_a_large_dense_matrix()
    {
        var random = new Random(2);
        float[] values = [.. Enumerable.Range(0, 257 * 261).Select(_ => random.NextSingle() - 0.5f)];
        Assert.Equal("9745584bf0fd827d", Digest(Truncation.Of(new FloatMatrix(values, 257, 261), new RankRule(4)).Factors.B));
    }

    private static string Digest(double[] values) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<double>(values)))[..16];
}
