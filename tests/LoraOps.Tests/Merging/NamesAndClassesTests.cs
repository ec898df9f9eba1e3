using System.Text.Json;
using LoraOps.Merging;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>Names that moved between versions, and classifiers that were trained for other classes.</summary>
public sealed class NamesAndClassesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("model.language_model.layers.0.q_proj", "language_model.model.layers.0.q_proj")]
    [InlineData("language_model.model.layers.0.q_proj", "model.language_model.layers.0.q_proj")]
    [InlineData("model.language_model.layers.0.q_proj", "model.layers.0.q_proj")]
    [InlineData("model.visual.blocks.0.qkv", "visual.blocks.0.qkv")]
    [InlineData("model.layers.0.mlp.gate", "model.layers.0.block_sparse_moe.gate")]
    [InlineData("layers.0.q_proj", "model.layers.0.q_proj")]
    [InlineData("bert.encoder.q", "encoder.q")]
    public void A_layer_is_found_under_the_name_of_another_version(string adapted, string stored)
    {
        var source = TinyCheckpoint.File(_folder["m.safetensors"], TinyCheckpoint.Tensor($"{stored}.weight", ElementType.F32, 3, 2));
        using var plan = MergePlan.Make(
            source, [new AdapterSource(new TinyAdapter().Linear(adapted, 2, 3).WriteTo(_folder["adapter"]))], _folder["out"], new MergeOptions());

        Assert.Equal($"{stored}.weight", Assert.Single(plan.Summary.Changed).Name);
    }

    [Fact]
    public void A_classifier_of_other_classes_replaces_the_bases_and_its_config()
    {
        var source = TinyCheckpoint.Sharded(
            _folder["base"], """{"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}, "num_labels": 2}""",
            TinyCheckpoint.Tensor("bert.q.weight", ElementType.F32, 3, 2), TinyCheckpoint.Tensor("classifier.weight", ElementType.F32, 2, 3),
            TinyCheckpoint.Tensor("classifier.bias", ElementType.F32, 2));
        var adapter = new TinyAdapter().Linear("bert.q", 2, 3).With("modules_to_save", "[\"classifier\"]")
            .Tensor("base_model.model.classifier.weight", 5, 3).Tensor("base_model.model.classifier.bias", 5);
        using (var plan = MergePlan.Make(source, [new AdapterSource(adapter.WriteTo(_folder["adapter"]))], _folder["out"], new MergeOptions()))
        {
            Assert.Contains("5 classes", Assert.Single(plan.Summary.Warnings), StringComparison.Ordinal);
            plan.Run();
        }

        using var merged = Checkpoint.Open(_folder["out"]);
        Assert.Equal(new TensorShape(5, 3), merged.Find("classifier.weight")!.Shape);
        var config = JsonDocument.Parse(File.ReadAllText(_folder["out/config.json"])).RootElement;
        Assert.Equal(5, config.GetProperty("num_labels").GetInt32());
        Assert.Equal("LABEL_4", config.GetProperty("id2label").GetProperty("4").GetString());
        Assert.Equal(4, config.GetProperty("label2id").GetProperty("LABEL_4").GetInt32());
    }

    [Fact]
    public void A_head_trained_tied_to_the_embedding_stays_one_with_it()
    {
        var source = TinyCheckpoint.Sharded(
            _folder["base"], """{"architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true}""",
            TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 3, 2));
        float[] a = [1, 2, 3], b = [4, 5];
        var adapter = new TinyAdapter().With("ensure_weight_tying", "true").With("r", "1")
            .Tensor("model.embed_tokens.lora_embedding_A", a, 1, 3).Tensor("model.embed_tokens.lora_embedding_B", b, 2, 1)
            .Tensor("lm_head.lora_A.weight", b, 1, 2).Tensor("lm_head.lora_B.weight", a, 3, 1);

        using var plan = MergePlan.Make(source, [new AdapterSource(adapter.WriteTo(_folder["adapter"]))], _folder["out"], new MergeOptions());

        Assert.Equal("model.embed_tokens.weight", Assert.Single(plan.Summary.Changed).Name);
        Assert.False(plan.Summary.Unties);
    }

    public void Dispose() => _folder.Dispose();
}
