using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Peft;

public sealed class PeftReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Reads_every_kind_of_layer()
    {
        var adapter = Read(new TinyAdapter().Linear("a", 3, 4).Embedding("b", 5, 6).Convolution("c", 2, 3, [3, 3]));

        Assert.Equal([LayerKind.Linear, LayerKind.Embedding, LayerKind.Convolution], adapter.Modules.Select(module => module.Delta.Layer));
        Assert.Equal(
            [new TensorShape(4, 3), new TensorShape(5, 6), new TensorShape(3, 2, 3, 3)],
            adapter.Modules.Select(module => module.Delta.WeightShape));
        Assert.All(adapter.Modules, module => Assert.Equal(("lora", 2, 4.0, false), Facts(module.Delta)));
        Assert.Equal(["base_model.model.a.lora_A.weight", "base_model.model.a.lora_B.weight"], adapter.Modules[0].Tensors.Order(StringComparer.Ordinal));
        Assert.Equal(("adapter", _folder["adapter"]), (adapter.Name, adapter.Folder));
        Assert.Empty(adapter.Warnings);
    }

    [Fact]
    public void Scales_by_the_root_of_the_rank_of_the_tensors()
    {
        var adapter = Read(new TinyAdapter().Linear("a", 3, 4, rank: 4).With("use_rslora", "true").With("alpha_pattern", """{"a": 6}"""));

        Assert.Equal(3, adapter.Modules[0].Delta.Scale);
        Assert.Contains("rank 4, the config says 2", Assert.Single(adapter.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.x.q")]
    [InlineData("x.q")]
    [InlineData("_orig_mod.base_model.model.x.q")]
    [InlineData("module.base_model.model.x.q")]
    [InlineData("_orig_mod.module.x.q")]
    [InlineData("module._fsdp_wrapped_module.base_model.model.x._fsdp_wrapped_module.q")]
    [InlineData("base_model.model._fsdp_wrapped_module.x._orig_mod.q")]
    [InlineData("base_model.model.x.base_layer.q")]
    public void Takes_the_wrappers_off_a_name(string path)
    {
        var adapter = Read(new TinyAdapter().Tensor($"{path}.lora_A.weight", 2, 3).Tensor($"{path}.lora_B.weight", 3, 2));

        Assert.Equal(new ModuleName("x.q"), Assert.Single(adapter.Modules).Name);
    }

    [Theory]
    [InlineData("modules_to_save")]
    [InlineData("base_layer.base_layer")]
    [InlineData("lora_A.token_adapter.x")]
    public void Names_a_tensor_of_nothing_but_wrappers(string name)
    {
        new TinyAdapter().Linear("a", 3, 4).Tensor(name, 2).WriteTo(_folder["adapter"]);

        var problems = Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["adapter"])).Problems;
        Assert.Contains(problems, problem => problem.What.Contains($"'{name}'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("default")]
    [InlineData("adapter")]
    public void Takes_the_adapters_name_off_a_part(string name)
    {
        var adapter = Read(new TinyAdapter()
            .Tensor($"x.lora_A.{name}.weight", 2, 3).Tensor($"x.lora_B.{name}.weight", 3, 2)
            .Tensor($"e.lora_embedding_A.{name}", 2, 3).Tensor($"e.lora_embedding_B.{name}", 3, 2));

        Assert.Equal(["e", "x"], adapter.Modules.Select(module => module.Name.Value));
    }

    [Fact]
    public void Reads_a_magnitude_with_and_without_weight()
    {
        var adapter = Read(new TinyAdapter().Linear("a", 3, 4, dora: true).Linear("b", 3, 4)
            .Tensor("base_model.model.b.lora_magnitude_vector.weight", 4));

        Assert.All(adapter.Modules, module => Assert.Equal(("dora", 2, 4.0, true), Facts(module.Delta)));
        Assert.All(adapter.Modules, module => Assert.Equal(4, Assert.IsType<DoraDelta>(module.Delta).Magnitude.Shape.ElementCount));
    }

    [Fact]
    public void Keeps_what_replaces_a_parameter_apart_from_trained_biases()
    {
        var adapter = Read(new TinyAdapter().Linear("a", 3, 4)
            .With("bias", "\"all\"").With("modules_to_save", "[\"head\", \"head\"]")
            .Tensor("base_model.model.a.base_layer.bias", 4)
            .Tensor("base_model.model.norm.bias", 4)
            .Tensor("base_model.model.head.modules_to_save.default.weight", 2, 4)
            .Tensor("base_model.model.head.original_module.weight", 2, 4)
            .Tensor("base_model.model.head.bias", 2)
            .Tensor("base_model.model.embed_tokens.weight", 5, 4));

        Assert.Equal(["a.bias", "embed_tokens.weight", "head.bias", "head.weight", "norm.bias"], adapter.Replacements.Select(r => r.FullName));
        Assert.Equal([true, false, false, false, true], adapter.Replacements.Select(replacement => replacement.IsBias));
        Assert.Equal(["head"], adapter.Config.ModulesToSave);
    }

    [Fact]
    public void Finds_the_one_adapter_in_a_sub_folder()
    {
        new TinyAdapter().Linear("a", 3, 4).WriteTo(_folder["outer/city"]);

        var adapter = PeftReader.Read(_folder["outer"]);

        Assert.Equal(("city", _folder["outer/city"]), (adapter.Name, adapter.Folder));
        Assert.Equal("mine", PeftReader.Read(_folder["outer"], "mine").Name);
    }

    [Theory]
    [InlineData("pissa")]
    [InlineData("olora")]
    [InlineData("loftq")]
    [InlineData("newer")]
    public void A_residual_base_makes_an_initialisation_plain(string initialization)
    {
        new TinyAdapter().Linear("a", 3, 4).With("init_lora_weights", $"\"{initialization}\"").WriteTo(_folder["adapter"]);

        Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["adapter"]));
        Assert.Equal(initialization, PeftReader.Read(_folder["adapter"], residualBase: true).Config.Initialization);
    }

    [Fact]
    public void Tells_all_problems_at_once()
    {
        new TinyAdapter().Linear("a", 3, 4).Without("r").With("surprise", "1").With("init_lora_weights", "\"corda\"")
            .Tensor("a.lora_C", 1).Tensor("b.lora_A.weight", 2, 3).Tensor("c.lora_B.weight", [float.NaN], 1)
            .Tensor("e.lora_embedding_A", 2, 3).Tensor("e.lora_embedding_B", 3, 2).Tensor("e.lora_A.weight", 2, 2)
            .WriteTo(_folder["adapter"]);

        var problems = Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["adapter"])).Problems;

        Assert.Equal(
            [
                ProblemCode.AdapterConfigInvalid, ProblemCode.AdapterTensorUnused, ProblemCode.AdapterTensorUnused,
                ProblemCode.AdapterPartnerMissing, ProblemCode.AdapterNotFinite, ProblemCode.ResidualBaseNeeded,
                ProblemCode.ConfigFieldUnknown,
            ],
            problems.Select(problem => problem.Code).OrderBy(code => Array.IndexOf(Order, code)));
    }

    [Fact]
    public void Warns_of_what_does_nothing()
    {
        var adapter = Read(new TinyAdapter().With("bias", "\"lora_only\"").With("lora_alpha", "0")
            .Tensor("a.lora_A.weight", 2, 3).Tensor("a.lora_B.weight", new float[8], 4, 2));

        Assert.Equal(3, adapter.Warnings.Count);
    }

    [Fact]
    public void A_tensor_of_integers_is_refused()
    {
        new TinyAdapter().Linear("a", 3, 4)
            .Tensor(new BufferTensor("b.lora_A.weight", ElementType.I32, new TensorShape(1, 1), new byte[4])).WriteTo(_folder["adapter"]);

        var problems = Assert.Throws<LoraOpsException>(() => PeftReader.Read(_folder["adapter"])).Problems;
        Assert.Equal([ProblemCode.AdapterTensorInvalid], problems.Select(problem => problem.Code));
    }

    [Fact]
    public void The_digest_depends_on_both_files_and_on_nothing_else()
    {
        var first = Read(new TinyAdapter().Linear("a", 3, 4)).Digest;
        var again = PeftReader.Read(new TinyAdapter().Linear("a", 3, 4).WriteTo(_folder["again"])).Digest;
        var config = PeftReader.Read(new TinyAdapter().Linear("a", 3, 4).With("lora_alpha", "9").WriteTo(_folder["config"])).Digest;
        var weights = PeftReader.Read(new TinyAdapter().Linear("b", 3, 4).WriteTo(_folder["weights"])).Digest;

        Assert.Equal(first, again);
        Assert.Equal(3, new[] { first, config, weights }.Distinct().Count());
    }

    public void Dispose() => _folder.Dispose();

    private static readonly ProblemCode[] Order =
    [
        ProblemCode.AdapterConfigInvalid, ProblemCode.AdapterTensorUnused, ProblemCode.AdapterPartnerMissing,
        ProblemCode.AdapterNotFinite, ProblemCode.ResidualBaseNeeded, ProblemCode.ConfigFieldUnknown,
    ];

    private static (string, int, double, bool) Facts(Delta delta) => (delta.Method, delta.Rank, delta.Scale, delta.NeedsWeight);

    private Adapter Read(TinyAdapter adapter) => PeftReader.Read(adapter.WriteTo(_folder["adapter"]));
}
