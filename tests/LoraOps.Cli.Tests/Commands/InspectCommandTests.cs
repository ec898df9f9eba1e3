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
    public void A_torch_file_shows_its_tensors_and_a_tampered_one_is_refused()
    {
        var json = Loraops.RunJson("inspect", Fixtures.Path("torch-bin-hostile", "valid-transposed.bin"));

        Assert.Equal("torch file", json.GetProperty("kind").GetString());
        Assert.NotEqual(0, json.GetProperty("tensors").GetArrayLength());
        Loraops.Run("inspect", Fixtures.Path("torch-bin-hostile", "malicious-os-system.bin")).Ended(4);
        Loraops.Run("inspect", Fixtures.Path("torch-bin-hostile", "damaged-legacy-non-zip.bin")).Ended(4);
    }

    [Fact]
    public void An_onnx_adapter_shows_its_modules_and_ranks_and_a_model_what_can_be_overridden()
    {
        var adapter = Loraops.RunJson("inspect", Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter"));
        var model = Loraops.RunJson("inspect", Fixtures.Path("bev-vit", "ort", "one-layer.onnx"));

        Assert.Equal("onnx adapter", adapter.GetProperty("kind").GetString());
        Assert.Equal("8", adapter.GetProperty("ranks")[0].GetString());
        Assert.Equal("vit.layers.0.attention.q_proj", adapter.GetProperty("modules")[0].GetProperty("module").GetString());
        Assert.Equal("[64, lora_r]", model.GetProperty("overridableInputs")[0].GetProperty("shape").GetString());
        Assert.Equal(1, model.GetProperty("inputs").GetArrayLength());
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

    [Fact]
    public void An_adapter_shows_its_types_size_and_parameters()
    {
        var adapter = Fixtures.Path("bev-vit", "adapters", "beijing");
        var json = Loraops.RunJson("inspect", adapter);

        Assert.Equal("F32", json.GetProperty("types")[0].GetString());
        Assert.Equal(new FileInfo(Path.Combine(adapter, "adapter_model.safetensors")).Length, json.GetProperty("bytes").GetInt64());
        Assert.All(json.GetProperty("modules").EnumerateArray(), module => Assert.Equal("weight", module.GetProperty("parameter").GetString()));
    }

    [Fact]
    public void An_adapter_on_its_base_shows_what_becomes_of_every_tensor()
    {
        var json = Loraops.RunJson("inspect", Fixtures.Path("planner-llama", "adapters", "harbin"), "--base", Fixtures.Path("planner-llama", "hf"));
        var tensors = Loraops.RunJson("inspect", Fixtures.Path("planner-llama", "hf")).GetProperty("tensors");

        Assert.Equal("adapter", json.GetProperty("kind").GetString());
        var names = json.GetProperty("weights").EnumerateArray().Concat(json.GetProperty("copied").EnumerateArray());
        Assert.Equal(
            tensors.EnumerateArray().Select(tensor => tensor.GetProperty("name").GetString()).Order(StringComparer.Ordinal),
            names.Select(tensor => tensor.GetProperty("tensor").GetString()).Order(StringComparer.Ordinal));
        Assert.Equal(json.GetProperty("changed").GetInt32(), json.GetProperty("measures").GetArrayLength());
        Assert.All(json.GetProperty("measures").EnumerateArray(), measure => Assert.InRange(measure.GetProperty("ratio").GetDouble(), 0.1, 2));
        Assert.Empty(json.GetProperty("unmatched").EnumerateArray());
        Assert.True(json.GetProperty("memoryNeeded").GetInt64() > 0 && json.GetProperty("diskNeeded").GetInt64() > 0);
    }

    [Fact]
    public void An_adapter_on_another_base_shows_what_does_not_match()
    {
        var run = Loraops.Run("inspect", Fixtures.Path("planner-llama", "adapters", "harbin"), "--base", Fixtures.Path("bev-vit", "hf"), "--json").Ended(0);

        var missed = run.Json.GetProperty("unmatched");
        Assert.Equal(run.Json.GetProperty("moduleCount").GetInt32(), missed.GetArrayLength());
        Assert.NotEmpty(missed[0].GetProperty("nearest").EnumerateArray());
    }

    [Fact]
    public void What_does_not_fit_the_base_is_told_beside_the_adapter()
    {
        var folder = Fixtures.Path("hostile", "LORA3002-other-width");
        var run = Loraops.Run("inspect", Path.Combine(folder, "adapter"), "--base", Path.Combine(folder, "base.safetensors"), "--json").Ended(4);

        Assert.Equal("adapter", run.Json.GetProperty("kind").GetString());
        Assert.Contains("LORA3002", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_measures_and_writes_nothing()
    {
        using var folder = new TemporaryFolder();
        var json = Loraops.RunJson(
            "merge", "--base", Fixtures.Path("quantised-base", "nf4-double"), "--adapter", Fixtures.Path("quantised-base", "nf4-double", "adapters", "a"),
            "-o", folder["out"], "--dry-run");

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Contains("nf4", json.GetProperty("dequantised").GetString(), StringComparison.Ordinal);
        Assert.Equal(3, json.GetProperty("measures").GetArrayLength());
        Assert.Equal(
            json.GetProperty("measures").EnumerateArray().Sum(measure => measure.GetProperty("unchanged").GetInt64()),
            json.GetProperty("unchangedWeights").GetInt64());
    }
}
