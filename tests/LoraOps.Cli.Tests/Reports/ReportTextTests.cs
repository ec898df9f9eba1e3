using LoraOps.Cli.Reports;

namespace LoraOps.Cli.Tests.Reports;

public sealed class ReportTextTests
{
    [Fact]
    public void Nothing_that_cannot_be_seen_is_left()
    {
        Assert.Equal("a\\u{0000}b\\u{202E}c\\u{FEFF}", ReportText.Visible("a\0b\u202Ec\ufeff"));
        Assert.Equal("汽车 \ud83d\ude97", ReportText.Visible("汽车 \ud83d\ude97"));
        Assert.Equal("half \ufffd", ReportText.Visible("half \ud800"));
    }

    [Fact]
    public void A_short_name_is_itself_and_a_long_one_is_told_from_its_neighbour()
    {
        var (one, other) = (new string('a', 5000) + "1" + new string('a', 5000), new string('a', 5000) + "2" + new string('a', 5000));

        Assert.Equal("/a/b", ReportText.Short("/a/b", 24));
        Assert.NotEqual(ReportText.Short(one, 60), ReportText.Short(other, 60));
        Assert.All(HostileNames.All, name => Assert.InRange(ReportText.Short(name, 60).Length, 1, 68));
    }

    [Theory]
    [InlineData("out/a.onnx", "a.onnx")]
    [InlineData("C:\\out\\a.onnx", "a.onnx")]
    [InlineData("out/folder/", "folder")]
    public void A_file_loses_its_folders(string path, string name) => Assert.Equal(name, ReportText.FileName(path));
}
