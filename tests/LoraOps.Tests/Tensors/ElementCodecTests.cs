using System.Numerics;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Tensors;

[Trait("Category", ScalarRun.Category)]
public sealed class ElementCodecTests
{
    private static readonly ushort[] AllCodes = [.. Enumerable.Range(0, 65536).Select(code => (ushort)code)];

    [Theory]
    [InlineData(ElementType.BF16, 8, 127)]
    [InlineData(ElementType.F16, 5, 15)]
    public void Decodes_every_16_bit_code_to_the_value_of_its_formula(ElementType type, int exponentBits, int bias)
    {
        var values = Decode(type, Bytes(AllCodes));
        for (var code = 0; code < values.Length; code++)
            AssertSame(Formula(code, 16, exponentBits, bias), values[code]);
    }

    [Theory]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F16)]
    public void Encodes_every_decoded_16_bit_code_back(ElementType type)
    {
        var values = Decode(type, Bytes(AllCodes));
        var codes = Encode16(type, values);
        for (var code = 0; code < codes.Length; code++)
        {
            if (float.IsNaN(values[code]))
                Assert.True(float.IsNaN(Decode(type, Bytes(codes[code]))[0]));
            else
                Assert.Equal(code, codes[code]);
        }
    }

    [Theory]
    [InlineData(ElementType.BF16, 0x7F80)]
    [InlineData(ElementType.F16, 0x7C00)]
    public void Rounds_to_the_nearest_code_and_ties_to_even(ElementType type, int infinity)
    {
        // Every midpoint of two codes is a float32, and so are its two neighbours; the last midpoint is below infinity.
        var values = Decode(type, Bytes(AllCodes));
        var step = (double)values[infinity - 1] - values[infinity - 2];
        double At(int code) => code == infinity ? values[infinity - 1] + step : values[code];
        var middles = Enumerable.Range(0, infinity).Select(code => (float)((At(code) + At(code + 1)) / 2)).ToArray();

        var ties = Encode16(type, middles);
        var below = Encode16(type, [.. middles.Select(MathF.BitDecrement)]);
        var above = Encode16(type, [.. middles.Select(MathF.BitIncrement)]);
        var negative = Encode16(type, [.. middles.Select(middle => -middle)]);
        for (var code = 0; code < infinity; code++)
        {
            Assert.Equal(code + (code & 1), ties[code]);
            Assert.Equal(code, below[code]);
            Assert.Equal(code + 1, above[code]);
            Assert.Equal(ties[code] | 0x8000, negative[code]);
        }
    }

    [Theory]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F16)]
    public void Gives_one_value_the_same_code_wherever_it_stands(ElementType type)
    {
        // The vector path and its scalar tail must agree in every bit, those of a NaN included.
        var random = new Random(3);
        var values = new float[4099];
        random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan()));
        (values[5], values[70]) = (float.NaN, BitConverter.UInt32BitsToSingle(0xFF800001));
        var together = Encode16(type, values);
        Assert.Equal(together, values.Select(value => Encode16(type, [value])[0]));
        Assert.All(values.Zip(together), pair => Assert.Equal(
            float.IsNaN(pair.First), float.IsNaN(Decode(type, Bytes(pair.Second))[0])));
    }

    [Theory]
    [InlineData(ElementType.F8E4M3, 4, 7)]
    [InlineData(ElementType.F8E5M2, 5, 15)]
    [InlineData(ElementType.F8E4M3Fnuz, 4, 8)]
    [InlineData(ElementType.F8E5M2Fnuz, 5, 16)]
    public void Decodes_every_8_bit_float_to_the_value_of_its_formula(ElementType type, int exponentBits, int bias)
    {
        var values = Decode(type, [.. Enumerable.Range(0, 256).Select(code => (byte)code)]);
        for (var code = 0; code < 256; code++)
            AssertSame(Formula8(type, code, exponentBits, bias), values[code]);
    }

    [Fact]
    public void Decodes_every_power_of_two_scale()
    {
        var values = Decode(ElementType.F8E8M0, [.. Enumerable.Range(0, 256).Select(code => (byte)code)]);
        for (var code = 0; code < 255; code++)
            AssertSame(Math.ScaleB(1, code - 127), values[code]);

        Assert.True(float.IsNaN(values[255]));
    }

    [Fact]
    public void Rounds_64_bit_integers_once() =>
        Prop.ForAll<long>(seed =>
        {
            var value = seed * 0x5851F42D4C957F2D;
            return IsNearest(value, Decode(ElementType.I64, Bytes(value))[0])
                && IsNearest((ulong)value, Decode(ElementType.U64, Bytes(value))[0]);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Decodes_small_integers_and_truth_values_exactly()
    {
        Assert.Equal([-128, 127, -1], Decode(ElementType.I8, [0x80, 0x7F, 0xFF]));
        Assert.Equal([128, 127, 255], Decode(ElementType.U8, [0x80, 0x7F, 0xFF]));
        Assert.Equal([0, 1], Decode(ElementType.Bool, [0, 1]));
        Assert.Equal([-32768, 32767], Decode(ElementType.I16, Bytes<ushort>(0x8000, 0x7FFF)));
        Assert.Equal([32768, 32767], Decode(ElementType.U16, Bytes<ushort>(0x8000, 0x7FFF)));
        Assert.Equal([-16777215, 65536], Decode(ElementType.I32, Bytes(-16777215, 65536)));
        Assert.Equal([4294967040, 0], Decode(ElementType.U32, Bytes(4294967040u, 0u)));
    }

    [Fact]
    public void Rounds_doubles_once_and_keeps_what_is_not_finite()
    {
        double[] stored = [1e300, -1e300, double.NaN, double.NegativeInfinity, 1 + Math.ScaleB(1, -24), 1e-46, 0.1];
        Assert.Equal(
            [float.PositiveInfinity, float.NegativeInfinity, float.NaN, float.NegativeInfinity, 1, 0, 0.1f],
            Decode(ElementType.F64, Bytes(stored)));
    }

    [Fact]
    public void Keeps_float32_and_widens_it_to_float64()
    {
        float[] values = [0.1f, -0f, float.MaxValue, float.Epsilon, float.NegativeInfinity, float.NaN];
        Assert.Equal(values, BufferTensor.FromFloats("t", ElementType.F32, new TensorShape(6), values).ToFloats());
        Assert.Equal(values, BufferTensor.FromFloats("t", ElementType.F64, new TensorShape(6), values).ToFloats());
    }

    [Theory]
    [InlineData(ElementType.F4)]
    [InlineData(ElementType.F6E2M3)]
    [InlineData(ElementType.C64)]
    public void Has_no_numbers_for_opaque_types(ElementType type) =>
        Assert.Throws<NotSupportedException>(() => Decode(type, new byte[8]));

    [Fact]
    public void Does_not_write_weights_as_integers() =>
        Assert.Throws<NotSupportedException>(() => ElementCodec.Encode(ElementType.I8, [1f], new byte[1]));

    [Fact]
    public void Runs_without_vector_instructions_when_told_so() =>
        Assert.Equal(ScalarRun.IsOn, !Vector.IsHardwareAccelerated);

    private static bool IsNearest(BigInteger value, float rounded)
    {
        var error = BigInteger.Abs(value - new BigInteger(rounded));
        return error <= BigInteger.Abs(value - new BigInteger(MathF.BitIncrement(rounded)))
            && error <= BigInteger.Abs(value - new BigInteger(MathF.BitDecrement(rounded)));
    }

    private static double Formula8(ElementType type, int code, int exponentBits, int bias) => type switch
    {
        ElementType.F8E5M2 => Formula(code, 8, exponentBits, bias),
        ElementType.F8E4M3 when (code & 0x7F) == 0x7F => double.NaN,
        ElementType.F8E4M3Fnuz or ElementType.F8E5M2Fnuz when code == 0x80 => double.NaN,
        _ => Formula(code, 8, exponentBits, bias, hasInfinity: false),
    };

    // IEEE 754: (-1)^s · 2^(e-bias) · 1.m, with e = 0 for the subnormal numbers and the largest e for what is not finite.
    private static double Formula(int code, int bits, int exponentBits, int bias, bool hasInfinity = true)
    {
        var mantissaBits = bits - 1 - exponentBits;
        var sign = (code >> (bits - 1)) == 0 ? 1.0 : -1.0;
        var exponent = (code >> mantissaBits) & ((1 << exponentBits) - 1);
        var fraction = (code & ((1 << mantissaBits) - 1)) / Math.Pow(2, mantissaBits);
        if (hasInfinity && exponent == (1 << exponentBits) - 1)
            return fraction == 0 ? sign * double.PositiveInfinity : double.NaN;

        return exponent == 0
            ? sign * Math.Pow(2, 1 - bias) * fraction
            : sign * Math.Pow(2, exponent - bias) * (1 + fraction);
    }

    // Compares the bits, so that -0 is not 0.
    private static void AssertSame(double expected, float actual)
    {
        if (double.IsNaN(expected))
            Assert.True(float.IsNaN(actual));
        else
            Assert.Equal(BitConverter.DoubleToInt64Bits(expected), BitConverter.DoubleToInt64Bits(actual));
    }

    private static float[] Decode(ElementType type, byte[] bytes)
    {
        var values = new float[bytes.Length * 8 / type.Bits()];
        ElementCodec.Decode(type, bytes, values);
        return values;
    }

    private static ushort[] Encode16(ElementType type, float[] values)
    {
        var codes = new ushort[values.Length];
        ElementCodec.Encode(type, values, MemoryMarshal.AsBytes(codes.AsSpan()));
        return codes;
    }

    private static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
