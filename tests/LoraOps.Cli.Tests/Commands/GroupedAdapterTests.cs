using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>An adapter of grouped convolutions is described and put beside its layers; whatever would make weights of it refuses it.</summary>
public sealed class GroupedAdapterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("merge --base {hf} --adapter {adapter} -o {out}/merged")]
    [InlineData("merge --base {hf} --adapter {adapter} --allow-unmatched --dry-run -o {out}/merged")]
    [InlineData("merge --base {hf} --adapter {night} --adapter {adapter} -o {out}/merged")]
    [InlineData("mix --adapter {night} --adapter {adapter} --method linear -o {out}/mixed")]
    [InlineData("mix --adapter {night} --adapter {adapter} --method linear --base {hf} --dry-run -o {out}/mixed")]
    [InlineData("resize --adapter {adapter} --rank 2 -o {out}/resized")]
    [InlineData("normalize --adapter {adapter} -o {out}/plain")]
    [InlineData("convert --model {onnx} --adapter {adapter} --form merged -o {out}/model.onnx")]
    [InlineData("convert --model {onnx} --adapter {adapter} --base {hf} --dry-run -o {out}/model.onnx")]
    [InlineData("inspect {adapter} --base {hf}")]
    public void What_makes_weights_refuses_it(string command)
    {
        var run = Run(command);
        Assert.Equal(4, run.Exit);
        var lines = run.Error.Split('\n').Where(line => line.StartsWith("LORA", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.StartsWith("LORA2009: ", line, StringComparison.Ordinal));
        Assert.Contains(
            "module 'depthwise1.0' is a grouped convolution: lora_B has 2 columns, lora_A 32 rows; each filter of the base sees one group of channels, "
            + "lora_A all of them, so no grouped kernel equals the sum and PEFT cannot merge it either. Train without this layer in target_modules.",
            lines[0],
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Its_own_sheet_is_shown()
    {
        var sheet = Run("inspect {adapter}").Ended(0).Output;
        Assert.Contains("[16, 1, 3, 3]", sheet, StringComparison.Ordinal);
        Assert.Contains("16 groups", sheet, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inputs")]
    [InlineData("switchable")]
    public void Beside_its_layers_it_is_converted(string form)
    {
        var run = Run($"convert --model {{onnx}} --adapter {{adapter}} --adapter {{night}} --base {{hf}} --form {form} -o {{out}}/model").Ended(0);
        Assert.DoesNotContain("full rank", run.Output, StringComparison.Ordinal);
    }

    private Loraops Run(string command) => Loraops.Run([.. command.Split(' ').Select(word => word
        .Replace("{out}", _folder.Path, StringComparison.Ordinal)
        .Replace("{hf}", Fixtures.Path("neck-cnn", "hf"), StringComparison.Ordinal)
        .Replace("{onnx}", Fixtures.Path("neck-cnn", "onnx", "torchscript", "model.onnx"), StringComparison.Ordinal)
        .Replace("{night}", Fixtures.Path("neck-cnn", "adapters", "night"), StringComparison.Ordinal)
        .Replace("{adapter}", Fixtures.Path("neck-cnn", "adapters", "shanghai-depthwise"), StringComparison.Ordinal))]);
}
