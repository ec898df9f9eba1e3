using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Tests;

/// <summary>What a test runs as a process of its own, because vector instructions can be switched off only for a whole process.</summary>
internal static class Program
{
    /// <summary>SHA-256 over the bits of low-rank updates.</summary>
    public static string Digest()
    {
        var random = new Random(11);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        var sum = Values(23 * 131);
        var codes = Array.ConvertAll(sum, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
        var (coefficients, basis) = (Values(23 * 9), new PackedBasis(Values(9 * 131), 9));
        FusedUpdate.Apply(sum, coefficients, basis);
        FusedUpdate.Apply(codes, coefficients, basis);
        FusedUpdate.Apply(sum.AsSpan(5), codes.Select(code => code * 1e-6f).ToArray(), new PackedBasis(Values(9 * 40), 9), new RowSteps(22, 131, 131));
        sum[0] += (float)DotProduct.Of(sum, sum);
        return Convert.ToHexString(SHA256.HashData([.. MemoryMarshal.AsBytes<float>(sum), .. MemoryMarshal.AsBytes<ushort>(codes)]));
    }

    private static void Main()
    {
        var width = Vector512.IsHardwareAccelerated ? "512" : Vector256.IsHardwareAccelerated ? "256" : "scalar";
        Console.WriteLine($"{width} {Digest()}");
    }
}
