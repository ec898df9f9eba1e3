using System.Text.Json;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

public sealed class MergePlanTests : IDisposable
{
    private const string Llama =
        """{ "model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true, "vocab_size": 4, "eps": 1e-05 }""";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Keeps_shards_index_config_and_untouched_files_byte_for_byte()
    {
        var source = TinyCheckpoint.Sharded(
            _folder["base"], "{\"model_type\": \"toy\"}", TinyCheckpoint.Tensor("a.weight", ElementType.BF16, 4, 3),
            TinyCheckpoint.Tensor("b.weight", ElementType.F32, 2, 2));

        Merge(source, _folder["out"], new TinyAdapter().Linear("a", 3, 4));

        Assert.Equal(Names(source), Names(_folder["out"]));
        foreach (var name in Names(source).Where(name => !name.StartsWith("model-00001", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllBytes(Path.Combine(source, name)), File.ReadAllBytes(Path.Combine(_folder["out"], name)));

        using var before = SafetensorsFile.Open(Path.Combine(source, "model-00001-of-00002.safetensors"));
        using var after = SafetensorsFile.Open(Path.Combine(_folder["out"], "model-00001-of-00002.safetensors"));
        Assert.Equal(before.HeaderBytes(), after.HeaderBytes());
        Assert.NotEqual(before.Tensors[0].ToBytes(), after.Tensors[0].ToBytes());
    }

    [Fact]
    public void Cuts_the_output_into_files_of_the_size_asked_for()
    {
        var source = TinyCheckpoint.File(
            _folder["base/x.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.F32, 4, 3), TinyCheckpoint.Tensor("b.weight", ElementType.F32, 2, 2),
            TinyCheckpoint.Tensor("c.weight", ElementType.F32, 2, 2));

        Merge(source, _folder["out"], new TinyAdapter().Linear("a", 3, 4), new MergeOptions { MaxShardBytes = 32 });

        using var merged = Checkpoint.Open(_folder["out"]);
        Assert.Equal(["a.weight", "b.weight", "c.weight"], merged.Names);
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], merged.Shards.Select(shard => Path.GetFileName(shard.Path)));
        Assert.Empty(merged.Warnings);
        var index = JsonDocument.Parse(merged.IndexJson).RootElement;
        Assert.Equal(80, index.GetProperty("metadata").GetProperty("total_size").GetInt64());

        Merge(source, _folder["one"], new TinyAdapter().Linear("a", 3, 4), new MergeOptions { MaxShardBytes = 1000 });
        Assert.Equal(["model.safetensors"], Names(_folder["one"]));
    }

    [Fact]
    public void Joins_shards_into_the_file_asked_for()
    {
        var source = TinyCheckpoint.Sharded(
            _folder["base"], "{}", TinyCheckpoint.Tensor("a.weight", ElementType.F32, 4, 3), TinyCheckpoint.Tensor("b.weight", ElementType.F16, 2, 2));

        Merge(source, _folder["out/m.safetensors"], new TinyAdapter().Linear("b", 2, 2));

        using var merged = SafetensorsFile.Open(_folder["out/m.safetensors"]);
        Assert.Equal(["a.weight", "b.weight"], merged.Tensors.Select(tensor => tensor.Name));
        Assert.Equal("pt", merged.Metadata["format"]);
    }

    [Fact]
    public void Unties_a_head_and_says_so_in_the_config()
    {
        var source = Tied();
        using (var plan = Plan(source, _folder["out"], new TinyAdapter().Linear("lm_head", 3, 4)))
        {
            Assert.True(plan.Summary.Unties);
            Assert.Equal(("lm_head.weight", "merge", true), Facts(Assert.Single(plan.Summary.Changed)));
            plan.Run();
        }

        using var merged = Checkpoint.Open(_folder["out"]);
        using var original = Checkpoint.Open(source);
        Assert.Equal(original.Find("model.embed_tokens.weight")!.ToBytes(), merged.Find("model.embed_tokens.weight")!.ToBytes());
        Assert.NotEqual(original.Find("model.embed_tokens.weight")!.ToBytes(), merged.Find("lm_head.weight")!.ToBytes());
        var config = File.ReadAllText(_folder["out/config.json"]);
        Assert.Contains("\"tie_word_embeddings\": false", config, StringComparison.Ordinal);
        Assert.Contains("\"eps\": 1e-05", config, StringComparison.Ordinal);
    }

    [Fact]
    public void Keeps_the_old_embedding_as_the_head_when_only_the_embedding_is_adapted()
    {
        var source = Tied();
        Merge(source, _folder["out"], new TinyAdapter().Embedding("model.embed_tokens", 4, 3));

        using var merged = Checkpoint.Open(_folder["out"]);
        using var original = Checkpoint.Open(source);
        Assert.Equal(original.Find("model.embed_tokens.weight")!.ToBytes(), merged.Find("lm_head.weight")!.ToBytes());
        Assert.Contains("\"tie_word_embeddings\": false", File.ReadAllText(_folder["out/config.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Leaves_tied_what_peft_leaves_tied_and_what_was_trained_so()
    {
        var source = Tied();
        Merge(source, _folder["peft"], new TinyAdapter().Linear("lm_head", 3, 4), new MergeOptions { Arithmetic = MergeArithmetic.Peft });
        Merge(source, _folder["tied"], new TinyAdapter().Embedding("model.embed_tokens", 4, 3).With("ensure_weight_tying", "true"));

        foreach (var folder in (string[])["peft", "tied"])
        {
            using var merged = Checkpoint.Open(_folder[folder]);
            Assert.Equal(["model.embed_tokens.weight", "model.q.weight"], merged.Names);
            Assert.Equal(File.ReadAllBytes(_folder["base/config.json"]), File.ReadAllBytes(_folder[$"{folder}/config.json"]));
        }
    }

    [Fact]
    public void Stays_tied_when_the_same_values_replace_both_and_grows_the_vocabulary()
    {
        var source = Tied();
        var values = Enumerable.Range(0, 18).Select(value => value / 8f).ToArray();
        Merge(source, _folder["out"], new TinyAdapter().Linear("model.q", 2, 2)
            .Tensor("base_model.model.lm_head.weight", values, 6, 3).Tensor("base_model.model.model.embed_tokens.weight", values, 6, 3));

        using var merged = Checkpoint.Open(_folder["out"]);
        Assert.Equal(["model.embed_tokens.weight", "model.q.weight"], merged.Names);
        Assert.Equal(new TensorShape(6, 3), merged.Find("model.embed_tokens.weight")!.Shape);
        var config = JsonDocument.Parse(File.ReadAllText(_folder["out/config.json"])).RootElement;
        Assert.Equal(6, config.GetProperty("vocab_size").GetInt64());
        Assert.True(config.GetProperty("tie_word_embeddings").GetBoolean());
    }

    [Fact]
    public void A_smaller_vocabulary_is_refused() => Assert.Equal(
        [ProblemCode.WeightShapeMismatch],
        Problems(Tied(), new TinyAdapter().Linear("model.q", 2, 2).Tensor("base_model.model.model.embed_tokens.weight", 3, 3)));

    [Theory]
    [InlineData("""{ "model_type": "gpt2" }""", "h.c_proj", false, true)]
    [InlineData("""{ "model_type": "gpt2" }""", "h.other", true, false)]
    [InlineData("{}", "h.c_proj", true, true)]
    [InlineData("{}", "h.c_proj", false, false)]
    public void A_square_weight_is_oriented_by_the_family_and_then_by_the_flag(string config, string module, bool flag, bool isTransposed)
    {
        var source = TinyCheckpoint.Sharded(_folder["base"], config, TinyCheckpoint.Tensor($"{module}.weight", ElementType.F32, 3, 3));
        using var plan = Plan(source, _folder["out"], new TinyAdapter().Linear(module, 3, 3).With("fan_in_fan_out", flag ? "true" : "false"));

        Assert.Equal(isTransposed, Assert.Single(plan.Summary.Changed).IsTransposed);
    }

    [Fact]
    public void A_square_weight_is_oriented_as_the_others_of_its_adapter()
    {
        var source = TinyCheckpoint.File(
            _folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.F32, 3, 5), TinyCheckpoint.Tensor("b.weight", ElementType.F32, 3, 3));
        using var plan = Plan(source, _folder["out"], new TinyAdapter().Linear("a", 3, 5).Linear("b", 3, 3));

        Assert.All(plan.Summary.Changed, change => Assert.True(change.IsTransposed));
    }

    [Fact]
    public void Finds_layers_of_a_bare_model_and_of_an_older_library()
    {
        var source = TinyCheckpoint.File(
            _folder["base/m.safetensors"], TinyCheckpoint.Tensor("encoder.layer.0.attention.attention.query.weight", ElementType.F32, 3, 2));
        using var plan = Plan(source, _folder["out"], new TinyAdapter().Linear("vit.layers.0.attention.q_proj", 2, 3));

        Assert.Equal("encoder.layer.0.attention.attention.query.weight", Assert.Single(plan.Summary.Changed).Name);
    }

    [Fact]
    public void Adds_a_head_that_the_base_lacks()
    {
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.BF16, 3, 2));
        Merge(source, _folder["out.safetensors"], new TinyAdapter().Linear("a", 2, 3).With("modules_to_save", "[\"score\"]")
            .Tensor("base_model.model.score.weight", 2, 3));

        using var merged = SafetensorsFile.Open(_folder["out.safetensors"]);
        Assert.Equal(ElementType.BF16, merged.Find("score.weight")!.Type);
    }

    [Fact]
    public void Names_near_misses_and_leaves_out_the_unmatched_on_request()
    {
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("layers.0.q_proj.weight", ElementType.F32, 3, 2));
        var adapter = new TinyAdapter().Linear("layers.0.q_prj", 2, 3).Linear("layers.0.q_proj", 2, 3);

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Plan(source, _folder["out"], adapter)).Problems);
        Assert.Contains("nearest: 'layers.0.q_proj.weight'", problem.What, StringComparison.Ordinal);

        using var plan = Plan(source, _folder["out"], adapter, new MergeOptions { AllowUnmatched = true });
        Assert.Contains("layers.0.q_prj.weight", Assert.Single(plan.Summary.Warnings), StringComparison.Ordinal);
        Assert.Single(plan.Summary.Changed);
    }

    [Fact]
    [Raises(ProblemCode.TensorTooLarge)]
    public void A_weight_that_no_array_can_hold_is_refused()
    {
        // A sparse file: its two gigabytes of zeros take no space on the disk. DoRA on what is stored transposed needs it whole.
        var header = System.Text.Encoding.UTF8.GetBytes(
            """{"a.weight":{"dtype":"BF16","shape":[131072,8192],"data_offsets":[0,2147483648]}}                """)[..88];
        using (var file = File.Create(_folder["big.safetensors"]))
        {
            file.Write(BitConverter.GetBytes(88L));
            file.Write(header);
            file.SetLength(96 + 2147483648L);
        }

        Assert.Equal([ProblemCode.TensorTooLarge], Problems(_folder["big.safetensors"], new TinyAdapter().Linear("a", 131072, 8192, rank: 1, dora: true)));
    }

    [Fact]
    public void Memory_that_suffices_is_what_the_plan_says()
    {
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.F32, 30, 20));
        var adapter = new TinyAdapter().Linear("a", 20, 30);
        using var plan = Plan(source, _folder["out"], adapter);

        var least = plan.Summary.LeastBytes;
        using var enough = Plan(source, _folder["out"], adapter, new MergeOptions { MemoryBytes = least });
        Assert.Contains("the runtime itself takes", Assert.Single(enough.Summary.Warnings), StringComparison.Ordinal);
        Assert.Equal([ProblemCode.MemoryTooSmall], Problems(source, adapter, new MergeOptions { MemoryBytes = least - 1 }));
    }

    [Fact]
    public void No_input_is_overwritten()
    {
        var source = Tied();
        var adapter = new TinyAdapter().Linear("model.q", 2, 2);
        var overwrite = new MergeOptions { Overwrite = true };

        var link = Directory.CreateSymbolicLink(_folder["link"], _folder.Path).FullName;
        var weights = Directory.GetFiles(source, "*.safetensors")[0];
        string[] outputs =
        [
            source, _folder.Path, _folder["adapter"], weights, _folder["adapter/adapter_model.safetensors"], Path.Combine(source, "config.json"),
            Path.Combine(link, Path.GetFileName(source)), Path.Combine(link, Path.GetRelativePath(_folder.Path, weights)),
        ];
        foreach (var output in outputs)
        {
            var problems = Assert.Throws<LoraOpsException>(() => Plan(source, output, adapter, overwrite)).Problems;
            Assert.Equal([ProblemCode.OutputIsInput], problems.Select(problem => problem.Code));
        }

        Merge(source, _folder["out"], adapter);
        Assert.Equal([ProblemCode.OutputExists], Assert.Throws<LoraOpsException>(() => Plan(source, _folder["out"], adapter)).Problems.Select(p => p.Code));
        Merge(source, _folder["out"], adapter, overwrite);
    }

    [Fact]
    public void Tells_its_progress_and_can_be_stopped()
    {
        var source = Tied();
        var told = new List<long>();
        using var plan = Plan(source, _folder["out"], new TinyAdapter().Linear("model.q", 2, 2));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => plan.Run(_ => stop.Cancel(), stop.Token));
        Assert.Equal(["adapter", "base"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        plan.Run(told.Add);

        Assert.Equal(plan.Summary.TotalBytes, told[^1]);
        Assert.Equal(told.Order(), told);
    }

    [Fact]
    public void The_same_inputs_give_the_same_bytes()
    {
        var adapter = new TinyAdapter().Linear("lm_head", 3, 4).Linear("model.q", 2, 2);
        foreach (var name in (string[])["one", "two"])
            Merge(Tied(), _folder[name], adapter);

        foreach (var name in Names(_folder["one"]))
            Assert.Equal(File.ReadAllBytes(_folder[$"one/{name}"]), File.ReadAllBytes(_folder[$"two/{name}"]));
    }

    public void Dispose() => _folder.Dispose();

    private static string[] Names(string folder) => [.. Directory.GetFiles(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];

    private static (string, string, bool) Facts(MergedWeight weight) => (weight.Name, weight.Action, weight.IsNew);

    private string Tied() => TinyCheckpoint.Sharded(
        _folder["base"], Llama, TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3),
        TinyCheckpoint.Tensor("model.q.weight", ElementType.F32, 2, 2));

    private MergePlan Plan(string source, string output, TinyAdapter adapter, MergeOptions? options = null) =>
        MergePlan.Make(source, [new AdapterSource(adapter.WriteTo(_folder["adapter"]))], output, options ?? new MergeOptions());

    private void Merge(string source, string output, TinyAdapter adapter, MergeOptions? options = null)
    {
        using var plan = Plan(source, output, adapter, options);
        plan.Run();
    }

    private IEnumerable<ProblemCode> Problems(string source, TinyAdapter adapter, MergeOptions? options = null) =>
        Assert.Throws<LoraOpsException>(() => Plan(source, _folder["out"], adapter, options)).Problems.Select(problem => problem.Code);
}
