using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class ScaleZeroPointTests
{
    private static readonly TensorRange MinusOneToTwo = new(-1, 2);

    [Fact]
    public void Spreads_an_asymmetric_range_over_uint8() =>
        Assert.Equal(new ScaleZeroPoint((float)(3 / 255.0), 85), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Uint8, symmetric: false));

    [Fact]
    public void Spreads_an_asymmetric_range_over_int8() =>
        Assert.Equal(new ScaleZeroPoint((float)(3 / 255.0), -43), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int8, symmetric: false));

    [Fact]
    public void Spreads_a_symmetric_range_over_int8() => Assert.Equal(
        new ScaleZeroPoint((float)(2 / 127.0), 0), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int8Symmetric, symmetric: true));

    [Fact]
    public void Spreads_a_symmetric_range_over_uint8() =>
        Assert.Equal(new ScaleZeroPoint((float)(4 / 255.0), 128), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Uint8, symmetric: true));

    [Fact]
    public void Spreads_a_symmetric_range_over_seven_bits() =>
        Assert.Equal(new ScaleZeroPoint(0.03125f, 0), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int8Reduced, symmetric: true));

    [Fact]
    public void Spreads_an_asymmetric_range_over_seven_bits_of_uint8() => Assert.Equal(
        new ScaleZeroPoint((float)(3 / 127.0), 42), ScaleZeroPoint.For(MinusOneToTwo, new CodeRange(0, 127), symmetric: false));

    [Fact]
    public void Spreads_an_asymmetric_range_over_uint16() =>
        Assert.Equal(new ScaleZeroPoint((float)(3 / 65535.0), 21845), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Uint16, symmetric: false));

    [Fact]
    public void Spreads_ranges_over_int16()
    {
        Assert.Equal(new ScaleZeroPoint((float)(2 / 32767.0), 0), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int16Symmetric, symmetric: true));
        Assert.Equal(new ScaleZeroPoint((float)(3 / 65535.0), -10923), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int16, symmetric: false));
        Assert.Equal(new ScaleZeroPoint((float)(4 / 65535.0), 32768), ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Uint16, symmetric: true));
    }

    /// <summary>The golden table as it is printed, to the digits that it gives.</summary>
    [Theory]
    [InlineData("uint8", false, -1, 2, 0, 0.0117647059, 85)]
    [InlineData("int8", false, -1, 2, 0, 0.0117647059, -43)]
    [InlineData("int8 symmetric", true, -1, 2, 0, 0.0157480315, 0)]
    [InlineData("uint8", true, -1, 2, 0, 0.0156862745, 128)]
    [InlineData("int8 reduced", true, -1, 2, 0, 0.03125, 0)]
    [InlineData("uint8 reduced", false, -1, 2, 0, 0.0236220472, 42)]
    [InlineData("uint8", false, 0.5, 2, 0, 0.0078431373, 0)]
    [InlineData("uint8", false, 0, 0, 1e-4, 3.92156863e-7, 0)]
    [InlineData("uint16", false, -1, 2, 0, 4.57770657e-5, 21845)]
    public void Gives_the_golden_vectors(string codes, bool symmetric, float min, float max, double minRealRange, double scale, int zero)
    {
        var spread = codes switch
        {
            "uint8" => CodeRange.Uint8,
            "int8" => CodeRange.Int8,
            "int8 symmetric" => CodeRange.Int8Symmetric,
            "int8 reduced" => CodeRange.Int8Reduced,
            "uint8 reduced" => new CodeRange(0, 127),
            _ => CodeRange.Uint16,
        };
        var found = ScaleZeroPoint.For(new TensorRange(min, max), spread, symmetric, minRealRange);

        Assert.Equal(zero, found.ZeroPoint);
        Assert.Equal(scale, found.Scale, scale * 1e-7);
    }

    // Half-way between two codes only where the scale is a power of two: the vector that catches a rounding away from zero.
    [Theory]
    [InlineData(0.25f, 0)]
    [InlineData(0.75f, 2)]
    [InlineData(1.25f, 2)]
    [InlineData(-0.25f, 0)]
    [InlineData(-0.75f, -2)]
    [InlineData(-1.25f, -2)]
    public void Rounds_halves_of_signed_codes_to_even(float value, int code) =>
        Assert.Equal(code, new ScaleZeroPoint(0.5f, 0).Quantize(value, CodeRange.Int8));

    [Fact]
    public void A_symmetric_scale_still_clips_at_the_whole_type() =>
        Assert.Equal(-128, ScaleZeroPoint.For(MinusOneToTwo, CodeRange.Int8Symmetric, symmetric: true).Quantize(-100, CodeRange.Int8));

    [Fact]
    public void Widens_the_range_to_hold_zero() => Assert.Equal(
        new ScaleZeroPoint((float)(2 / 255.0), 0), ScaleZeroPoint.For(new TensorRange(0.5f, 2), CodeRange.Uint8, symmetric: false));

    [Fact]
    public void Widens_a_dead_range_to_the_smallest_span() => Assert.Equal(
        new ScaleZeroPoint((float)(1e-4 / 255), 0),
        ScaleZeroPoint.For(new TensorRange(0, 0), CodeRange.Uint8, symmetric: false, minRealRange: 1e-4));

    [Fact]
    public void Doubles_the_smallest_span_where_it_is_made_symmetric() => Assert.Equal(
        new ScaleZeroPoint((float)(2e-4 / 254), 0),
        ScaleZeroPoint.For(new TensorRange(0, 0), CodeRange.Int8Symmetric, symmetric: true, minRealRange: 1e-4));

    [Theory]
    [InlineData(0f, 0f)]
    [InlineData(-1e-40f, 1e-40f)]
    public void Gives_a_dead_range_the_scale_one(float min, float max) =>
        Assert.Equal(new ScaleZeroPoint(1, 0), ScaleZeroPoint.For(new TensorRange(min, max), CodeRange.Uint8, symmetric: false));

    // Float32 division as the runtime does it: 0.7 / scale is 59.499996, not the 59.5 of real numbers.
    [Theory]
    [InlineData(-1f, 0)]
    [InlineData(0.7f, 144)]
    [InlineData(0.71f, 145)]
    [InlineData(3f, 255)]
    [InlineData(-3f, 0)]
    [InlineData(float.MaxValue, 255)]
    public void Quantizes_and_saturates(float value, int code) =>
        Assert.Equal(code, new ScaleZeroPoint((float)(3 / 255.0), 85).Quantize(value, CodeRange.Uint8));

    [Theory]
    [InlineData(0.25f, 10)]
    [InlineData(0.75f, 12)]
    [InlineData(1.25f, 12)]
    [InlineData(-0.25f, 10)]
    [InlineData(-0.75f, 8)]
    public void Rounds_halves_to_even(float value, int code) =>
        Assert.Equal(code, new ScaleZeroPoint(0.5f, 10).Quantize(value, CodeRange.Uint8));

    [Fact]
    public void Gives_back_what_a_code_stands_for() => Assert.Equal(-5f, new ScaleZeroPoint(0.5f, 10).Dequantize(0));

    [Fact]
    public void Raises_a_weight_scale_whose_bias_would_not_fit()
    {
        var raised = BiasScale.Guard(100, 1e-5f, 1e-5f);

        Assert.Equal(4.65707854e-8, raised * 1e-5, 1e-16);
        Assert.Equal(4.65707854e-3f, raised, 1e-9f);
        Assert.InRange(BiasScale.Quantize(100, raised * 1e-5f), 2_147_000_000, int.MaxValue);
    }

    [Fact]
    public void Leaves_a_weight_scale_whose_bias_fits()
    {
        Assert.Equal(0.005f, BiasScale.Guard(1, 0.02f, 0.005f));
        Assert.Equal(10000, BiasScale.Quantize(1, 0.02f * 0.005f));
    }
}
