using LoraOps.Onnx.Chips;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

public sealed class ChipsTests : IDisposable
{
    private static readonly string Calibration = Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_list_names_every_chip_and_every_rule()
    {
        var list = Loraops.RunJson("chips");

        Assert.Equal(ChipProfiles.All.Select(chip => chip.Name), Column("chips", "name"));
        Assert.Equal(ChipRules.All.Select(rule => rule.Id), Column("rules", "id"));

        IEnumerable<string?> Column(string grid, string name) => list.GetProperty(grid).EnumerateArray().Select(row => row.GetProperty(name).GetString());
    }

    [Fact]
    public void A_page_says_all_that_the_profile_says()
    {
        var page = Loraops.Run("chips", "sa8295").Ended(0).Output;

        Assert.Contains("int8 per channel for Conv and ConvTranspose", page, StringComparison.Ordinal);
        Assert.Contains("int8, int16, float", page, StringComparison.Ordinal);
        Assert.Contains("fixed, at most 5 dimensions", page, StringComparison.Ordinal);
        Assert.All(["QNN-01", "QNN-11", "encodings", "Softmax"], word => Assert.Contains(word, page, StringComparison.Ordinal));
    }

    [Fact]
    public void A_profile_of_the_users_is_quantized_for_and_checked_like_one_of_ours()
    {
        var mine = File.ReadAllText(Path.Combine(Fixtures.Repository, "src", "LoraOps.Onnx", "Chips", "Profiles", "x64-vnni.json"))
            .Replace("\"x64-vnni\"", "\"mine\"", StringComparison.Ordinal)
            .Replace("\"reducedRange\": false", "\"reducedRange\": true", StringComparison.Ordinal)
            .Replace("avx512-vnni,avx-vnni", "avx2", StringComparison.Ordinal);
        File.WriteAllText(_folder["mine.json"], mine);
        string[] quantize = ["quantize", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), "--calibration", Calibration];

        Loraops.Run([.. quantize, "--chip", _folder["mine.json"], "-o", _folder["seven.onnx"]]).Ended(0);
        Loraops.Run([.. quantize, "--chip", "x64-vnni", "-o", _folder["eight.onnx"]]).Ended(0);

        Assert.Equal(0, FindingsOf("seven.onnx"));
        Assert.NotEqual(0, FindingsOf("eight.onnx"));

        int FindingsOf(string file) => Loraops.RunJson("chips", _folder["mine.json"], "--model", _folder[file]).GetProperty("findings")
            .EnumerateArray().Count(finding => finding.GetProperty("id").GetString() == "CPU-02");
    }

    [Fact]
    public void What_was_not_checked_is_said_and_what_the_runtime_makes_of_a_model_is_checked()
    {
        var model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
        Loraops.Run("quantize", model, "--chip", "x64-vnni", "--calibration", Calibration, "-o", _folder["int8.onnx"]).Ended(0);

        var ours = Loraops.RunJson("chips", "x64-vnni", "--model", _folder["int8.onnx"]);
        var other = Loraops.Run("chips", "orin-dla", "--model", _folder["int8.onnx"]).Ended(5);

        Assert.Equal((0, 0), (ours.GetProperty("findings").GetArrayLength(), ours.GetProperty("notChecked").GetArrayLength()));
        Assert.Contains("TRT-12: no calibration cache lies in a hand-off folder", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_of_a_model_that_stays_float_are_a_finding()
    {
        var model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
        var run = Loraops.Run("chips", "x64-vnni", "--model", model).Ended(0);

        Assert.Contains("CPU-04", run.Output, StringComparison.Ordinal);
        Assert.Contains("runs 0 of", run.Output, StringComparison.Ordinal);
    }
}
