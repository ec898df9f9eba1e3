using System.Text.RegularExpressions;
using LoraOps.Cli.Output;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Output;

public sealed partial class OutputTests
{
    private static readonly string Adapter = Fixtures.Path("bev-vit", "adapters", "beijing");

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void A_terminal_of_any_width_gets_lines_that_fit_and_whole_numbers(int width)
    {
        var run = Loraops.RunOn(new Terminal(true, true, width, WantsColor: false), default, "inspect", Fixtures.Path("bev-vit", "hf")).Ended(0);

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, width));
        Assert.Contains("136138", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
    }

    [Fact]
    public void A_pipe_gets_neither_colours_nor_lines_nor_tabs()
    {
        var run = Loraops.Run("inspect", Adapter).Ended(0);

        Assert.DoesNotMatch(Decoration(), run.Output);
        Assert.Equal(run.Output, Loraops.Run("inspect", Adapter).Output);
    }

    [Fact]
    public void A_terminal_sees_bars_and_a_log_sees_a_line_for_each_stage()
    {
        string[] convert =
        [
            "convert", "--model", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), "--adapter", Adapter,
            "-o", "nowhere/m.onnx", "--dry-run", "--explain",
        ];

        Assert.Equal(
            ["reading the adapters", "reading the model", "folding the adapters into the weights"],
            Loraops.Run(convert).Ended(0).Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()));
        Assert.Contains('\u001b', Loraops.RunOn(new(true, true, 80, WantsColor: true), default, convert).Ended(0).Error);
        Assert.Empty(Loraops.Run([.. convert, "-q"]).Ended(0).Error);
    }

    [Theory]
    [InlineData("always", true)]
    [InlineData("never", false)]
    [InlineData("auto", false)]
    public void Colours_are_the_users_choice(string choice, bool hasColor)
    {
        var run = Loraops.Run("inspect", "/nowhere", "--color", choice).Ended(4);

        Assert.Equal(hasColor, run.Error.Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public void A_terminal_has_colours_unless_the_environment_asks_for_none()
    {
        Assert.Contains("\u001b[1;31mLORA1001", Loraops.RunOn(new(true, true, 80, true), default, "inspect", "/nowhere").Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", Loraops.RunOn(new(true, true, 80, false), default, "inspect", "/nowhere").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_and_infinities_are_valid_json()
    {
        var sheet = new Sheet()
            .Add("signal to noise", double.PositiveInfinity)
            .Add("share", Cell.Share(0.25))
            .Add("nothing", Cell.None)
            .AddGrid("rows", ["the name", "x"], [["a\u0007\"", 1]]);

        var json = System.Text.Json.JsonDocument.Parse(JsonText.Of("test", new Answer(sheet))).RootElement;

        Assert.Equal("Infinity", json.GetProperty("signalToNoise").GetString());
        Assert.Equal(0.25, json.GetProperty("share").GetDouble());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, json.GetProperty("nothing").ValueKind);
        Assert.Equal("a\u0007\"", json.GetProperty("rows")[0].GetProperty("theName").GetString());
    }

    [Fact]
    public void A_name_from_a_strangers_file_cannot_steer_the_terminal() =>
        Assert.Contains("\\u001b[2J", PlainText.Of(new Sheet().Add("name", "\u001b[2J"), withDetails: false), StringComparison.Ordinal);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(999_950, "1.0 MB")]
    [InlineData(136_138_000, "136.1 MB")]
    public void Bytes_are_readable(long bytes, string text) => Assert.Equal(text, Cell.Bytes(bytes).Text);

    // Escapes, tabs and the lines of boxes.
    [GeneratedRegex(@"[\u001b\t\u2500-\u257f]")]
    private static partial Regex Decoration();
}
