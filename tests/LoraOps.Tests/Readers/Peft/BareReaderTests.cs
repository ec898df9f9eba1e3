using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Readers.Peft;

/// <summary>Files without adapter_config.json; the merges of fixtures/merge/bare-… prove their numbers.</summary>
public sealed class BareReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("lora_unet_a_b.lora_down.weight", "lora_unet_a_b", true)]
    [InlineData("lora_te2_a_b.lora_down.weight", "lora_te2_a_b", true)]
    [InlineData("lycoris_a_b.lora_down.weight", "lycoris_a_b", true)]
    [InlineData("diffusion_model.a.b.lora_down.weight", "diffusion_model.a.b", false)]
    [InlineData("fc.lora_down.weight", "fc", false)]
    [InlineData("unet.a.lora_A.weight", "unet.a", false)]
    [InlineData("unet.a.lora_A.default.weight", "unet.a", false)]
    [InlineData("a.attn1.processor.to_k_lora.down.weight", "a.attn1.to_k", false)]
    [InlineData("a.attn1.processor.to_out_lora.down.weight", "a.attn1.to_out.0", false)]
    [InlineData("a.self_attn.to_out_lora.down.weight", "a.self_attn.out_proj", false)]
    [InlineData("a.self_attn.k_proj.lora_linear_layer.down.weight", "a.self_attn.k_proj", false)]
    [InlineData("a.to_q.lora.down.weight", "a.to_q", false)]
    public void Finds_the_layer_in_a_name_of_every_scheme(string name, string module, bool isFlat)
    {
        var partner = name.Replace("down", "up", StringComparison.Ordinal).Replace("lora_A", "lora_B", StringComparison.Ordinal);
        var adapter = Read(Tensor(name, 2, 3), Tensor(partner, 4, 2));

        Assert.Equal(new ModuleName(module) { IsFlat = isFlat }, Assert.Single(adapter.Modules).Name);
        Assert.Equal(1, adapter.Modules[0].Delta.Scale);
        Assert.Contains("1 modules have no alpha", Assert.Single(adapter.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up.down.weight")]
    [InlineData("conv.weight")]
    [InlineData("weight")]
    [InlineData("..lora_down.weight")]
    [InlineData("lora_unet_a.lora_E.weight")]
    [InlineData("lora_unet_a.ia3_l.weight")]
    public void Names_what_follows_no_scheme(string name) => Fails(ProblemCode.AdapterTensorUnused, name, Tensor(name, 2, 3));

    [Theory]
    [InlineData("x.lora_down.weight", ProblemCode.AdapterPartnerMissing)]
    [InlineData("x.lora_up.weight", ProblemCode.AdapterPartnerMissing)]
    [InlineData("x.lora_mid.weight", ProblemCode.AdapterPartnerMissing)]
    [InlineData("x.alpha", ProblemCode.AdapterTensorInvalid)]
    [InlineData("x.w_norm", ProblemCode.VariantRefused)]
    [InlineData("base_model.model.x.lora_A.weight", ProblemCode.AdapterConfigMissing)]
    public void Refuses_half_a_module(string name, ProblemCode code) => Fails(code, "", Tensor(name, 2, 3));

    [Fact]
    public void Refuses_an_alpha_alone_and_one_said_twice()
    {
        Fails(ProblemCode.AdapterTensorUnused, "x.alpha", Tensor("x.alpha"));
        Fails(
            ProblemCode.AdapterTensorUnused, "unet.x.alpha", """{"unet.r": 2, "unet.lora_alpha": 4}""",
            Tensor("unet.x.lora_A.weight", 2, 3), Tensor("unet.x.lora_B.weight", 4, 2), Tensor("unet.x.alpha"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"unet.r": 2, "unet.r": 2}""")]
    [InlineData("""{"unet": 2}""")]
    [InlineData("""{"unet.r": "two", "unet.lora_alpha": 4}""")]
    public void Refuses_metadata_that_is_no_config(string metadata) => Fails(
        ProblemCode.AdapterConfigInvalid, "", metadata, Tensor("unet.x.lora_A.weight", 2, 3), Tensor("unet.x.lora_B.weight", 4, 2));

    [Fact]
    public void Says_a_magnitude_is_dora_and_reads_a_zero_alpha()
    {
        var adapter = Read(
            Tensor("unet.x.lora_A.weight", 2, 3), Tensor("unet.x.lora_B.weight", 4, 2), Tensor("unet.x.lora_magnitude_vector", 4),
            Tensor("y.lora_down.weight", 2, 3), Tensor("y.lora_up.weight", 4, 2), BufferTensor.FromFloats("y.alpha", ElementType.F32, new TensorShape(), [0]));

        Assert.Equal(["dora", "lora"], adapter.Modules.Select(module => module.Delta.Method));
        Assert.Equal(0, adapter.Modules[1].Delta.Scale);
        Assert.Contains(adapter.Warnings, warning => warning.Contains("alpha is 0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("loha", 0.75, "hada_w1_a:4,2", "hada_w1_b:2,3", "hada_w2_a:4,2", "hada_w2_b:2,3", "alpha")]
    [InlineData("lokr", 0.75, "lokr_w1:2,3", "lokr_w2_a:2,2", "lokr_w2_b:2,1", "alpha")]
    [InlineData("lokr", 1, "lokr_w1:2,3", "lokr_w2:2,1", "alpha")]
    [InlineData("lora", 0.75, "lora_A.weight:2,3", "lora_B.weight:4,2", "lora_B.bias:4", "alpha")]
    public void Scales_each_method_by_its_alpha(string method, double scale, params string[] parts)
    {
        var adapter = Read([.. parts.Select(part => part.Split(':')).Select(part => part.Length == 1
            ? BufferTensor.FromFloats($"lora_unet_x.{part[0]}", ElementType.F32, new TensorShape(), [1.5f])
            : Tensor($"lora_unet_x.{part[0]}", [.. part[1].Split(',').Select(long.Parse)]))]);

        Assert.Equal((method, scale), (adapter.Modules[0].Delta.Method, adapter.Modules[0].Delta.Scale));
        Assert.Equal(parts.Contains("lora_B.bias:4") ? ["weight", "bias"] : ["weight"], adapter.Modules.Select(module => module.Delta.Parameter));
    }

    [Fact]
    public void Finds_the_file_of_a_folder()
    {
        Tensor[] tensors = [Tensor("x.lora_A.weight", 2, 3), Tensor("x.lora_B.weight", 4, 2)];
        Write(_folder["bare/some.safetensors"], tensors);
        Assert.Equal(("some", _folder["bare/some.safetensors"]), (PeftReader.Read(_folder["bare"]).Name, PeftReader.Read(_folder["bare"]).Folder));

        Write(_folder["bare/other.safetensors"], tensors);
        Assert.Equal(ProblemCode.AdapterFolderAmbiguous, Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["bare"])).Problems[0].Code);

        Write(_folder["bare/pytorch_lora_weights.safetensors"], tensors);
        Assert.Equal("pytorch_lora_weights", PeftReader.Read(_folder["bare"]).Name);
    }

    [Fact]
    public void Takes_a_named_file_of_a_peft_folder_as_its_folder()
    {
        var folder = new TinyAdapter().Linear("a", 3, 4).WriteTo(_folder["peft"]);

        Assert.Equal(4, PeftReader.Read(Path.Combine(folder, "adapter_model.safetensors")).Modules[0].Delta.Scale);
        Assert.Equal("peft", PeftReader.Read(Path.Combine(folder, "adapter_config.json")).Name);
        File.Delete(Path.Combine(folder, "adapter_config.json"));
        Assert.Equal(ProblemCode.AdapterConfigMissing, Assert.Throws<LoraOpsException>(() => PeftReader.Read(folder)).Problems[0].Code);
    }

    public void Dispose() => _folder.Dispose();

    private static BufferTensor Tensor(string name, params long[] dims) => BufferTensor.FromFloats(
        name, ElementType.F32, new TensorShape(dims), [.. Enumerable.Range(1, (int)new TensorShape(dims).ElementCount).Select(value => value / 8f)]);

    private static void Write(string path, Tensor[] tensors, string? metadata = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        SafetensorsWriter.Write(path, tensors, metadata is null ? [] : new Dictionary<string, string> { ["lora_adapter_metadata"] = metadata });
    }

    private void Fails(ProblemCode code, string name, params Tensor[] tensors) => Fails(code, name, null, tensors);

    private void Fails(ProblemCode code, string name, string? metadata, params Tensor[] tensors)
    {
        Write(_folder["fails.safetensors"], tensors, metadata);
        var error = Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["fails.safetensors"]));
        File.Delete(_folder["fails.safetensors"]);
        Assert.Contains(error.Problems, problem => problem.Code == code && problem.What.Contains(name, StringComparison.Ordinal));
    }

    private Adapter Read(params Tensor[] tensors)
    {
        Write(_folder["a.safetensors"], tensors);
        return PeftReader.Read(_folder["a.safetensors"]);
    }
}
