using LoraOps.Cli.Options;

namespace LoraOps.Cli.Tests.Options;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("512MB", 512_000_000)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5 kB", 1500)]
    [InlineData("64KiB", 65536)]
    [InlineData("7", 7)]
    [InlineData("3b", 3)]
    [InlineData("1tb", 1_000_000_000_000)]
    public void Reads_decimal_and_binary_units(string text, long bytes) => Assert.Equal(bytes, ByteSize.TryParse(text));

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1MB")]
    [InlineData("0")]
    [InlineData("0.1")]
    [InlineData("1,5GB")]
    [InlineData("12 parsecs")]
    [InlineData("99999999999TB")]
    public void Refuses_what_is_no_size(string text) => Assert.Null(ByteSize.TryParse(text));
}
