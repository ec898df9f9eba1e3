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

    private string Record(string name)
    {
        var real = SampleSet.Open(Fixtures.Path("bev-vit", "ort", "expected.safetensors"));
        Tensor As(string to, string from) => new BufferTensor(to, real.Find(from)!.Type, real.Find(from)!.Shape, real.Find(from)!.ToBytes());
        SafetensorsWriter.Write(_folder[name + ".safetensors"], [As("x", "x"), As("y", "y_adapter"), As("base_y", "y_base")]);
        return _folder[name + ".safetensors"];
    }
}
