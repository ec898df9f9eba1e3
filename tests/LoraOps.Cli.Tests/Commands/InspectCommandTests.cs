using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

public sealed class InspectCommandTests
{
    [Fact]
    public void An_adapter_shows_its_modules_and_what_it_replaces()
    {
        var json = Loraops.RunJson("inspect", Fixtures.Path("bev-vit", "adapters", "beijing"));

        Assert.Equal("adapter", json.GetProperty("kind").GetString());
        Assert.Equal("LORA", json.GetProperty("peftType").GetString());
        Assert.Equal(json.GetProperty("moduleCount").GetInt32(), json.GetProperty("modules").GetArrayLength());
        Assert.NotEqual(0, json.GetProperty("replacements").GetArrayLength());
        Assert.Equal(64, json.GetProperty("digest").GetString()!.Length);
    }

    [Fact]
    public void A_checkpoint_shows_every_tensor()
    {
        var json = Loraops.RunJson("inspect", Fixtures.Path("bev-vit", "hf", "model.safetensors"));

        Assert.Equal("safetensors", json.GetProperty("kind").GetString());
        Assert.Equal(136138, json.GetProperty("parameters").GetInt64());
        Assert.Equal(json.GetProperty("tensorCount").GetInt32(), json.GetProperty("tensors").GetArrayLength());
    }

    [Theory]
    [InlineData("dynamo", 18)]
    [InlineData("torchscript", 17)]
    public void A_model_shows_its_opset_ports_and_operators(string exporter, int opset)
    {
        var json = Loraops.RunJson("inspect", Fixtures.Path("bev-vit", "onnx", exporter));

        Assert.Equal($"ai.onnx {opset}", json.GetProperty("opsets")[0].GetString());
        Assert.Equal("pixel_values", json.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal("[batch, 10]", json.GetProperty("outputs")[0].GetProperty("shape").GetString());
        Assert.Contains(json.GetProperty("nodes").EnumerateArray(), node => node.GetProperty("operator").GetString() == "MatMul");
        Assert.Equal(0, json.GetProperty("quantizedNodes").GetInt32());
    }

    [Fact]
    public void Content_tells_more_than_a_name()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("bev-vit", "onnx", "dynamo", "model.onnx"), folder["weights.bin"]);
        File.Copy(Fixtures.Path("bev-vit", "hf", "model.safetensors"), folder["model.onnx"]);

        Assert.Equal("ONNX model", Loraops.RunJson("inspect", folder["weights.bin"]).GetProperty("kind").GetString());
        Assert.Equal("safetensors", Loraops.RunJson("inspect", folder["model.onnx"]).GetProperty("kind").GetString());
    }

    [Fact]
    public void A_folder_of_arrays_is_a_data_set()
    {
        using var folder = new TemporaryFolder();
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }".PadRight(117) + "\n";
        byte[] npy = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[8]];
        File.WriteAllBytes(folder["x.npy"], npy);

        Assert.Equal(2, Loraops.RunJson("inspect", folder.Path).GetProperty("samples").GetInt32());
        Assert.Equal("array", Loraops.RunJson("inspect", folder["x.npy"]).GetProperty("kind").GetString());
    }

    [Fact]
    public void Details_are_shown_to_who_asks()
    {
        var model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");

        Assert.DoesNotContain("initializers\n", Loraops.Run("inspect", model).Output, StringComparison.Ordinal);
        Assert.Contains("initializers\n", Loraops.Run("inspect", model, "-v").Output, StringComparison.Ordinal);
    }
}
