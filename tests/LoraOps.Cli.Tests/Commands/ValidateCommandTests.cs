using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Cli.Tests.Commands;

public sealed class ValidateCommandTests : IDisposable
{
    private static readonly string Layer = Fixtures.Path("bev-vit", "ort", "one-layer.onnx");
    private static readonly string Shanghai = Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_base_and_an_adapter_of_a_model_with_inputs_are_each_held_against_their_own()
    {
        var record = Record("r");

        var bare = Loraops.RunJson("validate", "--candidate", Layer, "--expected", record, "--gate", "max-abs<=1e-5");
        var active = Loraops.RunJson("validate", "--candidate", Layer, "--expected", record, "--adapter", Shanghai, "--gate", "max-abs<=1e-5");
        var text = Loraops.Run("validate", "--candidate", Layer, "--expected", record).Ended(0).Output;

        Assert.True(bare.GetProperty("passed").GetBoolean() && active.GetProperty("passed").GetBoolean());
        Assert.Equal(("base", "base_y"), (bare.GetProperty("adapter").GetString(), bare.GetProperty("heldAgainst").GetString()));
        Assert.Equal(("shanghai-layer0-query", "y"), (active.GetProperty("adapter").GetString(), active.GetProperty("heldAgainst").GetString()));
        Assert.Contains("held against  base_y", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_adapters_are_told_apart()
    {
        string[] args =
        [
            "validate", "--candidate", Layer, "--expected", "sh=" + Record("a"), "--expected", "base=" + Record("b"), "--adapter", "sh=" + Shanghai,
        ];

        var json = Loraops.RunJson(args);
        var missed = Loraops.Run([.. args, "--gate", "max-abs<0", "--report", _folder["r.html"]]).Ended(3);

        Assert.Equal(["sh", "base"], json.GetProperty("adapters").EnumerateArray().Select(row => row.GetProperty("adapter").GetString()));
        Assert.Contains("max-abs<0", missed.Error, StringComparison.Ordinal);
        Assert.Contains("base_y", File.ReadAllText(_folder["r.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_has_an_equals_sign_has_no_name()
    {
        var record = Record("x=y");

        Assert.Equal("base_y", Loraops.RunJson("validate", "--candidate", Layer, "--expected", record).GetProperty("heldAgainst").GetString());
        Loraops.Run("validate", "--candidate", Layer, "--expected", "a=" + Record("a"), "--expected", "b=" + Record("b"), "--inputs", record).Ended(2);
    }

    [Theory]
    [InlineData("bev-vit", "dynamo", "shanghai", "beijing")]
    [InlineData("voice-gpt2", "torchscript", "guangdong", "sichuan")]
    [InlineData("neck-cnn", "torchscript", "night", "guangzhou")]
    [InlineData("neck-cnn", "dynamo", "shanghai-depthwise", "night")]
    public void The_forms_are_what_PyTorch_gave_alone_and_mixed(string model, string exporter, string one, string other)
    {
        string At(params string[] parts) => Fixtures.Path([model, .. parts]);
        void Convert(string form, string output) => Loraops.Run(
            "convert", "--model", At("onnx", exporter, "model.onnx"), "--adapter", At("adapters", one), "--adapter", At("adapters", other),
            "--base", At("hf", "model.safetensors"), "--form", form, "-o", _folder[output]).Ended(0);
        string RecordOf(string adapter) => At("reference", adapter + ".safetensors");
        string[] expected = ["--expected", $"{one}={RecordOf(one)}", "--expected", $"{other}={RecordOf(other)}"];
        string[] gate = ["--gate", "max-abs<=1e-4"];

        Convert("switchable", "switchable");
        string[] mixed = ["validate", "--candidate", _folder["switchable/model.onnx"], .. expected, .. gate];
        var parts = Loraops.Run([.. mixed, "--json"]).Ended(0).Json.GetProperty("adapters");
        Assert.Equal([one, other], parts.EnumerateArray().Select(row => row.GetProperty("adapter").GetString()));
        string[] bare = ["validate", "--candidate", _folder["switchable/model.onnx"], "--expected", RecordOf(one), .. gate];
        Assert.Equal("base_logits", Loraops.RunJson(bare).GetProperty("heldAgainst").GetString());
        Loraops.Run([.. bare, "--adapter", "1"]).Ended(0);
        Loraops.Run([.. bare, "--adapter", other]).Ended(3);

        Convert("inputs", "inputs");
        string File(string adapter) => _folder[$"inputs/{adapter}.onnx_adapter"];
        string[] candidate = ["validate", "--candidate", _folder["inputs/model.onnx"], .. gate];
        Loraops.Run([.. candidate, .. expected, "--adapter", File(one), "--adapter", $"{other}={File(other)}"]).Ended(0);
        Assert.Equal("base_logits", Loraops.RunJson([.. candidate, .. bare[3..5]]).GetProperty("heldAgainst").GetString());
    }

    [Fact]
    public void An_adapter_of_another_conversion_is_refused_and_a_renamed_one_is_not()
    {
        void Convert(string exporter) => Loraops.Run(
            "convert", "--model", Fixtures.Path("bev-vit", "onnx", exporter, "model.onnx"), "--adapter", Fixtures.Path("bev-vit", "adapters", "shanghai"),
            "--form", "inputs", "-o", _folder[exporter]).Ended(0);
        Convert("dynamo");
        Convert("torchscript");
        var record = Fixtures.Path("bev-vit", "reference", "shanghai.safetensors");
        string[] candidate = ["validate", "--candidate", _folder["dynamo/model.onnx"], "--expected", record, "--gate", "max-abs<=1e-4"];

        var wrong = Loraops.Run([.. candidate, "--adapter", _folder["torchscript/shanghai.onnx_adapter"]]).Ended(4);
        Loraops.Run("rename", _folder["dynamo"], "--dialect", "genai-builder", "-o", _folder["r.onnx"]).Ended(0);
        Loraops.Run("rename", _folder["dynamo/shanghai.onnx_adapter"], "--dialect", "genai-builder", "-o", _folder["r.onnx_adapter"]).Ended(0);
        Loraops.Run([.. candidate[..2], _folder["r.onnx"], .. candidate[3..], "--adapter", _folder["r.onnx_adapter"]]).Ended(0);
        var apart = Loraops.Run([.. candidate, "--adapter", _folder["r.onnx_adapter"]]).Ended(4);

        Assert.Contains("LORA1324", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("loraops rename", apart.Error, StringComparison.Ordinal);
    }

    private string Record(string name)
    {
        var real = SampleSet.Open(Fixtures.Path("bev-vit", "ort", "expected.safetensors"));
        Tensor As(string to, string from) => new BufferTensor(to, real.Find(from)!.Type, real.Find(from)!.Shape, real.Find(from)!.ToBytes());
        SafetensorsWriter.Write(_folder[name + ".safetensors"], [As("x", "x"), As("y", "y_adapter"), As("base_y", "y_base")]);
        return _folder[name + ".safetensors"];
    }
}
