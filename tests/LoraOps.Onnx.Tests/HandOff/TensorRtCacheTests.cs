using System.Globalization;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.HandOff;

public sealed class TensorRtCacheTests
{
    // The words are amax / 127 as float32, most significant byte first.
    [Theory]
    [InlineData(-1, 1, "3c010204")]
    [InlineData(-2, 0.5f, "3c810204")]
    [InlineData(0, 6, "3d418306")]
    [InlineData(-127, 127, "3f800000")]
    [InlineData(0, 0, "00000000")]
    public void A_line_holds_the_larger_magnitude_over_127(float min, float max, string word) => Assert.Equal(
        $"TRT-8601-EntropyCalibration2\nx: {word}\n",
        new TensorRtCache("TRT-8601-EntropyCalibration2", [new("x", TensorRtCache.ScaleOf(new TensorRange(min, max)))]).Render());

    [Fact]
    public void A_tensor_that_is_mostly_negative_keeps_its_magnitude() =>
        Assert.Equal(10 / 127f, TensorRtCache.ScaleOf(new TensorRange(-10, 2)));

    [Theory]
    [InlineData("8.4.1", "TRT-8401-EntropyCalibration2")]
    [InlineData("8.6", "TRT-8600-EntropyCalibration2")]
    [InlineData("10.7.0", "TRT-100700-EntropyCalibration2")]
    [InlineData("10.14.1", "TRT-101401-EntropyCalibration2")]
    public void The_header_has_the_version_in_one_number(string version, string header) =>
        Assert.Equal(header, TensorRtCache.HeaderOf(version, "EntropyCalibration2"));

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        var cache = new TensorRtCache("TRT-100700-MinMaxCalibration", [.. Enumerable.Range(0, 200).Select(at =>
            new TensorRtScale(string.Create(CultureInfo.InvariantCulture, $"/blocks.{at}: {at}/Add_output_0"), random.NextSingle() * 1e-6f))]);
        File.WriteAllText(folder["cache"], cache.Render());

        var read = TensorRtCache.Read(folder["cache"]);

        Assert.Equal(cache.Header, read.Header);
        Assert.Equal(cache.Scales, read.Scales);
    }

    [Fact]
    public void Reads_what_TensorRT_writes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["cache"], "TRT-8401-EntropyCalibration2\r\ninput: 3caa54fc\r\n(Unnamed Layer* 64) [Shuffle]_output: 0\r\n");

        Assert.Equal(
            [new("input", BitConverter.UInt32BitsToSingle(0x3caa54fc)), new("(Unnamed Layer* 64) [Shuffle]_output", 0)],
            TensorRtCache.Read(folder["cache"]).Scales);
    }

    [Theory]
    [Raises(ProblemCode.HandOffFileInvalid)]
    [InlineData("x: 3c010204\n", "its first line does not begin with TRT-")]
    [InlineData("TRT-8401-EntropyCalibration2\nx 3c010204\n", "line 2 is not of the form 'tensor: 3c010204'")]
    [InlineData("TRT-8401-EntropyCalibration2\nx: 3c0102040\n", "line 2 is not of the form 'tensor: 3c010204'")]
    [InlineData("TRT-8401-EntropyCalibration2\nx: bc010204\n", "line 2 is not of the form 'tensor: 3c010204'")]
    [InlineData("TRT-8401-EntropyCalibration2\nx: 7f800000\n", "line 2 is not of the form 'tensor: 3c010204'")]
    [InlineData("TRT-8401-EntropyCalibration2\nx: 1\nx: 2\n", "line 3 names 'x' a second time")]
    public void Refuses_what_is_no_cache(string text, string what)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["cache"], text);

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => TensorRtCache.Read(folder["cache"])).Problems);
        Assert.Equal((ProblemCode.HandOffFileInvalid, $"is no TensorRT calibration cache: {what}"), (problem.Code, problem.What));
    }
}
