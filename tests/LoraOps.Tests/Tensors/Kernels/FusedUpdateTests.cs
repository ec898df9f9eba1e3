using System.Diagnostics;
using System.Runtime.InteropServices;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Tests.Tensors.Kernels;

public sealed class FusedUpdateTests
{
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 3, 5, 2 }, { 4, 32, 1 }, { 17, 33, 4 }, { 64, 129, 64 }, { 5, 1000, 200 }, { 9, 96, 300 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Float32_agrees_with_float64(int rows, int columns, int rank)
    {
        var (weights, coefficients, basis) = Operands(rows, columns, rank);
        var expected = Expected(weights, coefficients, basis, rank);

        Assert.True(FusedUpdate.Apply(weights, coefficients, new PackedBasis(basis, rank)));

        var largest = expected.Max(Math.Abs);
        Assert.All(weights.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, -1e-6 * largest, 1e-6 * largest));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Bfloat16_is_the_float32_result_rounded_once(int rows, int columns, int rank)
    {
        var (values, coefficients, basis) = Operands(rows, columns, rank);
        var codes = new ushort[values.Length];
        ElementCodec.Encode(ElementType.BF16, values, MemoryMarshal.AsBytes(codes.AsSpan()));
        ElementCodec.Decode(ElementType.BF16, MemoryMarshal.AsBytes<ushort>(codes), values);

        Assert.True(FusedUpdate.Apply(codes, coefficients, new PackedBasis(basis, rank)));

        FusedUpdate.Apply(values, coefficients, new PackedBasis(basis, rank));
        var rounded = new ushort[values.Length];
        ElementCodec.Encode(ElementType.BF16, values, MemoryMarshal.AsBytes(rounded.AsSpan()));
        Assert.Equal(rounded, codes);
    }

    [Fact]
    public void Is_the_same_bits_as_one_fused_step_after_another()
    {
        var (weights, coefficients, basis) = Operands(6, 37, 5);
        var expected = new float[weights.Length];
        for (var index = 0; index < weights.Length; index++)
        {
            var (row, column, product) = (index / 37, index % 37, 0f);
            for (var k = 0; k < 5; k++)
                product = MathF.FusedMultiplyAdd(coefficients[(row * 5) + k], basis[(k * 37) + column], product);

            expected[index] = product + weights[index];
        }

        FusedUpdate.Apply(weights, coefficients, new PackedBasis(basis, 5));

        Assert.Equal(expected, weights);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Parts_of_longer_rows_are_updated_as_if_they_were_alone(int rows, int columns, int rank)
    {
        var (weights, coefficients, basis) = Operands(rows, columns, rank);
        var (wide, wideCoefficients) = (Widened(weights, columns, 3, 2), Widened(coefficients, rank, 1, 7));
        FusedUpdate.Apply(weights, coefficients, new PackedBasis(basis, rank));

        Assert.True(FusedUpdate.Apply(
            wide.AsSpan(3), wideCoefficients.AsSpan(1), new PackedBasis(basis, rank), new RowSteps(rows, columns + 5, rank + 8)));

        Assert.Equal(Widened(weights, columns, 3, 2), wide);
    }

    [Theory]
    [InlineData("DOTNET_EnableAVX512", "DOTNET_EnableAVX512F")]
    [InlineData("DOTNET_EnableHWIntrinsic", "DOTNET_EnableHWIntrinsic")]
    public void Is_the_same_bits_with_fewer_instructions(string option, string olderName)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(FusedUpdateTests).Assembly.Location])
        {
            RedirectStandardOutput = true,
        };
        start.Environment[option] = "0";
        start.Environment[olderName] = "0";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        var (width, digest) = (output.Split(' ')[0], output.Split(' ')[1]);
        Assert.Equal(option == "DOTNET_EnableHWIntrinsic" ? "scalar" : "256", width);
        Assert.Equal(Program.Digest(), digest.Trim());
    }

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NaN)]
    public void Tells_of_a_result_that_is_not_finite(float value)
    {
        foreach (var at in (int[])[0, 31, 40])
        {
            var weights = new float[2 * 41];
            weights[41 + at] = value;
            Assert.False(FusedUpdate.Apply(weights, new float[2], new PackedBasis(new float[41], 1)));

            var codes = new ushort[2 * 41];
            codes[at] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
            Assert.False(FusedUpdate.Apply(codes, new float[2], new PackedBasis(new float[41], 1)));
        }
    }

    [Fact]
    public void Tells_of_an_overflow_by_rounding()
    {
        ushort[] codes = [0x7F7F];
        Assert.False(FusedUpdate.Apply(codes, [1e38f], new PackedBasis([1f], 1)));
    }

    [Fact]
    public void Refuses_factors_that_do_not_fit()
    {
        Assert.Throws<ArgumentException>(() => FusedUpdate.Apply(new float[5], new float[2], new PackedBasis(new float[2], 1)));
        Assert.Throws<ArgumentException>(() => FusedUpdate.Apply(new float[4], new float[2], new PackedBasis(new float[2], 1), new RowSteps(2, 1, 1)));
        Assert.Throws<ArgumentException>(() => FusedUpdate.Apply(new float[4], new float[4], new PackedBasis(new float[4], 2), new RowSteps(2, 2, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            FusedUpdate.Apply(new float[4], new float[1], new PackedBasis(new float[2], 1), new RowSteps(2, 2, 1)));
        Assert.Throws<ArgumentException>(() => new PackedBasis(new float[3], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedBasis([], 0));
        var released = new PackedBasis(new float[2], 1);
        released.Release();
        Assert.Throws<ObjectDisposedException>(() => FusedUpdate.Apply(new float[2], new float[1], released));
    }

    private static (float[] Weights, float[] Coefficients, float[] Basis) Operands(int rows, int columns, int rank)
    {
        var random = new Random(rows + columns);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        return (Values(rows * columns), Values(rows * rank), Values(rank * columns));
    }

    // Rows with elements before and behind that nobody may touch.
    private static float[] Widened(float[] values, int columns, int before, int behind) =>
        [.. values.Chunk(columns).SelectMany(row => (float[])[.. Enumerable.Repeat(7f, before), .. row, .. Enumerable.Repeat(7f, behind)])];

    private static double[] Expected(float[] weights, float[] coefficients, float[] basis, int rank)
    {
        var columns = basis.Length / rank;
        return [.. weights.Select((weight, index) => weight + Enumerable.Range(0, rank).Sum(k =>
            (double)coefficients[(index / columns * rank) + k] * basis[(k * columns) + (index % columns)]))];
    }
}
