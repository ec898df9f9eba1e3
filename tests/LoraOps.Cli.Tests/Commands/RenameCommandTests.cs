using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Graphs;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

public sealed class RenameCommandTests : IDisposable
{
    private static readonly string Layer = Fixtures.Path("bev-vit", "ort", "one-layer.onnx");
    private static readonly string Shanghai = Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("olive-dynamo")]
    [InlineData("genai-builder")]
    public void A_model_and_its_adapter_are_renamed_alike_and_back(string dialect)
    {
        Loraops.Run("rename", Layer, "--dialect", dialect, "-o", _folder["m.onnx"]).Ended(0);
        var json = Loraops.RunJson("rename", Shanghai, "--from", "canonical", "--dialect", dialect, "-o", _folder["a.onnx_adapter"]);

        Assert.Equal((2, dialect), (json.GetProperty("renamed").GetInt32(), json.GetProperty("to").GetString()));
        Assert.Empty(AdapterFit.Check(OnnxAdapterFile.Read(_folder["a.onnx_adapter"]), "a", AdaptableModel.Of(OnnxModel.Load(_folder["m.onnx"]))));

        Loraops.Run("rename", _folder["m.onnx"], "--from", dialect, "--dialect", "canonical", "-o", _folder["back.onnx"]).Ended(0);
        Assert.Equal(File.ReadAllBytes(Layer), File.ReadAllBytes(_folder["back.onnx"]));
    }

    [Fact]
    public void A_folder_is_its_model()
    {
        Directory.CreateDirectory(_folder["in"]);
        File.Copy(Layer, Path.Combine(_folder["in"], "model.onnx"));

        Loraops.Run("rename", _folder["in"], "--dialect", "olive-dynamo", "-o", _folder["m.onnx"]).Ended(0);

        Assert.True(File.Exists(_folder["m.onnx"]));
    }

    [Fact]
    public void Nothing_is_overwritten_unasked()
    {
        File.Copy(Shanghai, _folder["a.onnx_adapter"]);

        Loraops.Run("rename", _folder["a.onnx_adapter"], "--dialect", "olive-dynamo", "-o", _folder["a.onnx_adapter"], "--overwrite").Ended(2);
        File.Copy(Shanghai, _folder["b.onnx_adapter"]);
        Loraops.Run("rename", _folder["a.onnx_adapter"], "--dialect", "olive-dynamo", "-o", _folder["b.onnx_adapter"]).Ended(2);
        Loraops.Run("rename", _folder["a.onnx_adapter"], "--dialect", "olive-dynamo", "-o", _folder["b.onnx_adapter"], "--overwrite").Ended(0);
        Loraops.Run("rename", Fixtures.Path("bev-vit", "hf", "model.safetensors"), "--dialect", "olive-dynamo", "-o", _folder["c"]).Ended(4);
        Loraops.Run("rename", _folder["none"], "--dialect", "olive-dynamo", "-o", _folder["c"]).Ended(4);
        Loraops.Run("rename", Layer, "--dialect", "olive", "-o", _folder["c"]).Ended(2);
    }
}
