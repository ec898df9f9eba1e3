using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Merging;
using LoraOps.Transforms;

namespace LoraOps.Tests.Transforms;

/// <summary>The difference of two checkpoints as an adapter, and merged back.</summary>
public sealed class ExtractPlanTests : IDisposable
{
    private const double Limit = 1e-5;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Cases => [.. ReshapeGolden.Names("extract")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Factors_are_the_best_of_their_rank(string name)
    {
        var golden = new ReshapeGolden("extract", name);
        var summary = Extracted(golden["base.safetensors"], golden["finetuned.safetensors"], golden.Recipe.GetProperty("rank").GetInt32());
        var written = PeftReader.Read(_folder["new"]);
        var truths = golden.Truths();

        var tensors = golden.Case.GetProperty("tensors").EnumerateObject().ToList();
        var adapted = tensors.Where(tensor => tensor.Value.TryGetProperty("rank", out _)).ToList();
        Assert.Equal(adapted.Select(tensor => tensor.Name).Order(), summary.Modules.Select(module => $"{module.Name}.weight").Order());
        foreach (var tensor in adapted)
        {
            var found = golden.Change(written, tensor.Name, tensor.Value.GetProperty("kind").GetString() == "hfconv1d");
            Assert.True(ReshapeGolden.Error(found, truths[$"rank.{tensor.Name}"]) <= Limit, tensor.Name);
            var outcome = summary.Modules.Single(module => $"{module.Name}.weight" == tensor.Name);
            Assert.Equal(tensor.Value.GetProperty("rank").GetInt32(), outcome.Rank);
            Assert.Equal(tensor.Value.GetProperty("best_relative_error").GetDouble(), outcome.Error, 1e-7);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Merged_back_it_is_the_tuned_model(string name)
    {
        var golden = new ReshapeGolden("extract", name);
        var summary = Extracted(golden["base.safetensors"], golden["finetuned.safetensors"], golden.Recipe.GetProperty("rank").GetInt32());
        using var merged = Merged(golden["base.safetensors"]);
        using var tuned = SafetensorsFile.Open(golden["finetuned.safetensors"]);
        using var start = SafetensorsFile.Open(golden["base.safetensors"]);

        foreach (var tensor in tuned.Tensors)
        {
            var (found, wanted) = (merged.Find(tensor.Name)!, tensor.ToFloats());
            var outcome = summary.Modules.SingleOrDefault(module => $"{module.Name}.weight" == tensor.Name);
            var error = ReshapeGolden.Error([.. found.ToFloats().Select(value => (double)value)], [.. wanted.Select(value => (double)value)]);
            var norm = Math.Sqrt(wanted.Sum(value => (double)value * value));
            if (summary.Replaced.Contains(tensor.Name))
                Assert.Equal(wanted, found.ToFloats());
            else
            {
                var rounding = start.Find(tensor.Name)!.Type == ElementType.BF16 ? 4e-3 : 1e-3;
                Assert.True(error <= ((outcome?.Error * outcome?.Norm / norm) ?? 0) + rounding, $"{tensor.Name}: {error}");
            }
        }
    }

    [Fact]
    public void What_was_merged_comes_out_again()
    {
        var adapter = new TinyAdapter().With("lora_bias", "true").Linear("m.a", 12, 9).Tensor("base_model.model.m.a.lora_B.bias", 9)
            .Linear("m.b", 7, 7).Tensor("base_model.model.m.b.lora_B.bias", 7).WriteTo(_folder["adapter"]);
        var weights = TinyCheckpoint.File(
            _folder["base/model.safetensors"],
            TinyCheckpoint.Tensor("m.a.weight", ElementType.F32, 9, 12), TinyCheckpoint.Tensor("m.a.bias", ElementType.F32, 9),
            TinyCheckpoint.Tensor("m.b.weight", ElementType.F32, 7, 7), TinyCheckpoint.Tensor("m.b.bias", ElementType.F32, 7),
            TinyCheckpoint.Tensor("m.norm.weight", ElementType.F32, 7));
        Merge(weights, adapter, _folder["tuned.safetensors"]);
        var summary = Extracted(weights, _folder["tuned.safetensors"], 3);
        using var merged = Merged(weights);
        using var tuned = SafetensorsFile.Open(_folder["tuned.safetensors"]);

        Assert.True(summary.Error <= 1e-6);
        Assert.Empty(summary.Replaced);
        foreach (var tensor in tuned.Tensors)
            Assert.All(merged.Find(tensor.Name)!.ToFloats().Zip(tensor.ToFloats()), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [Fact]
    public void A_tied_head_changes_with_its_embedding()
    {
        const string Config = """{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true}""";
        foreach (var (name, factor) in new[] { ("base", 1f), ("tuned", 1.5f) })
        {
            var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 11, 5);
            TinyCheckpoint.File(_folder[$"{name}/model.safetensors"], Times(embedding, factor));
            File.WriteAllText(_folder[$"{name}/config.json"], Config);
        }

        var summary = Extracted(_folder["base"], _folder["tuned"], 5);
        Merge(_folder["base"], _folder["new"], _folder["merged"]);
        using var merged = Checkpoint.Open(_folder["merged"]);
        using var tuned = Checkpoint.Open(_folder["tuned"]);

        Assert.Contains(summary.Warnings, warning => warning.Contains("ensure_weight_tying", StringComparison.Ordinal));
        Assert.Equal(["model.embed_tokens.weight"], merged.Names);
        var pairs = merged.Find("model.embed_tokens.weight")!.ToFloats().Zip(tuned.Find("model.embed_tokens.weight")!.ToFloats());
        Assert.All(pairs, pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [Fact]
    public void A_head_that_was_tied_and_is_no_longer_is_a_module_of_its_own()
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 11, 5);
        var config = """{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true}""";
        TinyCheckpoint.File(_folder["base/model.safetensors"], embedding);
        File.WriteAllText(_folder["base/config.json"], config);
        TinyCheckpoint.File(_folder["tuned/model.safetensors"], embedding, Times(Named(embedding, "lm_head.weight"), 0.5f));
        File.WriteAllText(_folder["tuned/config.json"], config.Replace("true", "false", StringComparison.Ordinal));

        var summary = Extracted(_folder["base"], _folder["tuned"], 5);
        Merge(_folder["base"], _folder["new"], _folder["merged"]);
        using var merged = Checkpoint.Open(_folder["merged"]);

        Assert.Equal(["lm_head"], summary.Modules.Select(module => module.Name));
        Assert.All(merged.Find("lm_head.weight")!.ToFloats().Zip(embedding.ToFloats()), pair => Assert.Equal(pair.Second / 2, pair.First, 1e-6f));
    }

    [Fact]
    [Raises(ProblemCode.NothingDiffers)]
    public void Two_of_the_same_are_refused()
    {
        var golden = new ReshapeGolden("extract", "bf16-pair");
        Assert.Equal(ProblemCode.NothingDiffers, Refused(golden["base.safetensors"], golden["base.safetensors"]).Code);
    }

    [Theory]
    [Raises(ProblemCode.DifferenceNotExpressible)]
    [InlineData("m.a.weight", "cls_token")]
    [InlineData("m.a.weight", "m.extra.weight")]
    [InlineData("m.gone.weight", "m.a.weight")]
    public void What_no_adapter_can_hold_is_named(string before, string after)
    {
        var kept = TinyCheckpoint.Tensor("m.b.weight", ElementType.F32, 4, 4);
        TinyCheckpoint.File(_folder["base.safetensors"], kept, TinyCheckpoint.Tensor(before, ElementType.F32, 4, 3));
        TinyCheckpoint.File(_folder["tuned.safetensors"], Times(kept, 2), TinyCheckpoint.Tensor(after, ElementType.F32, 4, 3));

        var problem = Refused(_folder["base.safetensors"], _folder["tuned.safetensors"]);
        Assert.Equal(ProblemCode.DifferenceNotExpressible, problem.Code);
        Assert.Contains("--exclude", problem.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_choose_what_is_extracted_left_out_and_saved()
    {
        var golden = new ReshapeGolden("extract", "all-kinds");
        using var plan = ExtractPlan.Make(new ExtractRequest
        {
            Base = golden["base.safetensors"],
            Tuned = golden["finetuned.safetensors"],
            Rule = new RankRule(2),
            Include = ["model.*", "embed*"],
            Exclude = ["*.q_proj"],
            SaveWhole = ["embed_tokens"],
            Output = _folder["new"],
        });

        Assert.Equal(["model.layers.0.mlp.up_proj"], plan.Planned.Select(module => module.Name));
        Assert.Equal(["embed_tokens.weight"], plan.Replaced);
        Assert.Contains(plan.Warnings, warning => warning.Contains("differ and are left out as asked", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_saved_takes_what_is_below_it_along()
    {
        var weight = TinyCheckpoint.Tensor("m.block.proj.weight", ElementType.F32, 4, 3);
        var token = TinyCheckpoint.Tensor("m.block.token", ElementType.F32, 3);
        TinyCheckpoint.File(_folder["base.safetensors"], weight, token);
        TinyCheckpoint.File(_folder["tuned.safetensors"], Times(weight, 2), Times(token, 2));

        var summary = Extracted(_folder["base.safetensors"], _folder["tuned.safetensors"], 2);
        using var merged = Merged(_folder["base.safetensors"]);

        Assert.Empty(summary.Modules);
        Assert.Equal(["m.block.proj.weight", "m.block.token"], summary.Replaced);
        Assert.Equal(["m.block"], PeftReader.Read(_folder["new"]).Config.ModulesToSave);
        Assert.Equal(Times(weight, 2).ToFloats(), merged.Find("m.block.proj.weight")!.ToFloats());
    }

    public void Dispose() => _folder.Dispose();

    private TransformSummary Extracted(string weights, string tuned, int rank)
    {
        using var plan = ExtractPlan.Make(new ExtractRequest { Base = weights, Tuned = tuned, Rule = new RankRule(rank), Output = _folder["new"] });
        return plan.Run();
    }

    private Problem Refused(string weights, string tuned)
    {
        var problem = Assert.Throws<LoraOpsException>(() => Extracted(weights, tuned, 2)).Problems[0];
        Assert.False(Path.Exists(_folder["new"]));
        return problem;
    }

    private SafetensorsFile Merged(string weights)
    {
        Merge(weights, _folder["new"], _folder["merged.safetensors"]);
        return SafetensorsFile.Open(_folder["merged.safetensors"]);
    }

    private static void Merge(string weights, string adapter, string output)
    {
        using var plan = MergePlan.Make(weights, [new AdapterSource(adapter)], output, new MergeOptions());
        plan.Run();
    }

    private static BufferTensor Times(Tensor tensor, float factor) =>
        BufferTensor.FromFloats(tensor.Name, tensor.Type, tensor.Shape, [.. tensor.ToFloats().Select(value => value * factor)]);

    private static BufferTensor Named(Tensor tensor, string name) => BufferTensor.FromFloats(name, tensor.Type, tensor.Shape, tensor.ToFloats());
}
