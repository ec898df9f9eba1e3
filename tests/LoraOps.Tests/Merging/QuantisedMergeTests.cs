using System.Text.Json;
using LoraOps.Merging;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Readers.Quantised;

namespace LoraOps.Tests.Merging;

public sealed class QuantisedMergeTests : IDisposable
{
    private const string Merged = "merged.";
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Cases => [.. QuantisedCase.All().Where(name => QuantisedCase.Of(name).IsAccepted)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Adds_to_the_dequantised_values_and_rounds_once(string name)
    {
        var golden = QuantisedCase.Of(name);
        using (var plan = Plan(golden.Folder, Path.Combine(golden.Folder, "adapters", "a")))
        {
            Assert.Contains("are dequantised and written as", plan.Summary.Dequantised, StringComparison.Ordinal);
            Assert.Contains(plan.Summary.Warnings, warning => warning.Contains("quantised", StringComparison.Ordinal));
            plan.Run();
        }

        using var merged = Checkpoint.Open(_folder["out"]);
        using var truth = SafetensorsFile.Open(golden.TruthPath);
        var (differing, count) = (0, 0L);
        foreach (var wanted in truth.Tensors.Where(tensor => tensor.Name.StartsWith(Merged, StringComparison.Ordinal)))
        {
            var tensor = merged.Find(wanted.Name[Merged.Length..])!;
            Assert.Equal(wanted.Shape, tensor.Shape);
            differing += GoldenCase.Differing(tensor, GoldenCase.Doubles(wanted));
            count += tensor.Shape.ElementCount;
        }

        Assert.True(differing <= Math.Max(1, count / 1000), $"{differing} of {count} elements differ from the truth rounded once");
        using var files = Checkpoint.Open(golden.Folder);
        var seen = QuantisedCase.Seen(files);
        Assert.Equal(seen.Names.Order(StringComparer.Ordinal), merged.Names.Order(StringComparer.Ordinal));
        foreach (var plain in seen.Tensors.Except(seen.Dequantised))
            Assert.Equal(plain.ToBytes(), merged.Find(plain.Name)!.ToBytes());

        CheckConfig(seen.WidestType!.Value);
    }

    [Fact]
    public void Dequantises_weights_that_no_adapter_touches()
    {
        var golden = QuantisedCase.Of("nf4-double");
        var adapter = new TinyAdapter().Linear("model.layers.0.mlp.down_proj", 25, 33).WriteTo(_folder["adapter"]);
        using (var plan = Plan(golden.Folder, adapter))
            plan.Run();

        using var merged = Checkpoint.Open(_folder["out"]);
        using var files = Checkpoint.Open(golden.Folder);
        var seen = QuantisedCase.Seen(files);
        Assert.Equal(seen.Find("model.layers.0.mlp.up_proj.weight")!.ToBytes(), merged.Find("model.layers.0.mlp.up_proj.weight")!.ToBytes());
        Assert.NotEqual(seen.Find("model.layers.0.mlp.down_proj.weight")!.ToBytes(), merged.Find("model.layers.0.mlp.down_proj.weight")!.ToBytes());
    }

    [Theory]
    [InlineData("nf4-double")]
    [InlineData("gptq-desc-act")]
    [InlineData("int8")]
    public void Finds_the_parts_of_a_weight_in_other_shards(string name)
    {
        var golden = QuantisedCase.Of(name);
        Scatter(golden.Folder, _folder["base"]);
        using (var plan = Plan(golden.Folder, Path.Combine(golden.Folder, "adapters", "a")))
            plan.Run();

        using (var plan = Plan(_folder["base"], Path.Combine(golden.Folder, "adapters", "a"), "scattered"))
            plan.Run();

        using var whole = Checkpoint.Open(_folder["out"]);
        using var scattered = Checkpoint.Open(_folder["scattered"]);
        Assert.Equal(whole.Names.Order(StringComparer.Ordinal), scattered.Names.Order(StringComparer.Ordinal));
        Assert.All(whole.Names, tensor => Assert.Equal(whole.Find(tensor)!.ToBytes(), scattered.Find(tensor)!.ToBytes()));
    }

    [Fact]
    public void Starts_every_tensor_at_a_multiple_of_its_elements()
    {
        var golden = QuantisedCase.Of("int8");
        using (var plan = Plan(golden.Folder, Path.Combine(golden.Folder, "adapters", "a")))
            plan.Run();

        using var merged = SafetensorsFile.Open(_folder["out/model.safetensors"]);
        var at = 0L;
        foreach (var tensor in merged.Tensors)
        {
            Assert.Equal(0, at % (tensor.Type.Bits() / 8));
            at += tensor.ByteLength;
        }
    }

    public void Dispose() => _folder.Dispose();

    private MergePlan Plan(string source, string adapter, string output = "out") =>
        MergePlan.Make(source, [new AdapterSource(adapter)], _folder[output], new MergeOptions());

    private void CheckConfig(ElementType type)
    {
        var config = JsonDocument.Parse(File.ReadAllText(_folder["out/config.json"])).RootElement;
        Assert.False(config.TryGetProperty("quantization_config", out _));
        Assert.Equal("llama", config.GetProperty("model_type").GetString());
        var name = type switch { ElementType.BF16 => "bfloat16", ElementType.F16 => "float16", _ => "float32" };
        Assert.Equal(name, config.GetProperty("torch_dtype").GetString());
    }

    // Every tensor in a file of its own.
    private static void Scatter(string source, string target)
    {
        using var files = Checkpoint.Open(source);
        TinyCheckpoint.Sharded(target, File.ReadAllText(files.ConfigPath!), [.. files.Names.Select(name => files.Find(name)!)]);
    }
}
