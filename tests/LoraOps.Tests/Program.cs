using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Tests;

/// <summary>What a test runs as a process of its own, because vector instructions can be switched off only for a whole process.</summary>
internal static class Program
{
    /// <summary>SHA-256 over the bits of a low-rank update.</summary>
    public static string Digest()
    {
        var random = new Random(11);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        var sum = Values(23 * 131);
        LowRankUpdate.Add(sum, Values(23 * 9), Values(9 * 131), 9, 1.7f);
        return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(sum)));
    }

    private static void Main() => Console.WriteLine($"{(Vector.IsHardwareAccelerated ? "vector" : "scalar")} {Digest()}");
}
