using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>Trained rows of an embedding take the place of the base's, and of a tied head's.</summary>
public sealed class TokenRowsTests : IDisposable
{
    private const string Llama = """{ "model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true }""";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_tied_head_stays_tied_and_a_stored_copy_takes_the_rows_too()
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3);
        using var tied = Merge([Tokens("[2]")], [1], embedding);
        Assert.Equal(["model.embed_tokens.weight"], tied.Tensors.Select(tensor => tensor.Name));

        var head = BufferTensor.FromFloats("lm_head.weight", ElementType.F32, new TensorShape(4, 3), embedding.ToFloats());
        using var stored = Merge([Tokens("[2]")], [1], embedding, head);
        Assert.Equal(stored.Find("model.embed_tokens.weight")!.ToBytes(), stored.Find("lm_head.weight")!.ToBytes());
        Assert.NotEqual(embedding.ToBytes(), stored.Find("lm_head.weight")!.ToBytes());
    }

    [Fact]
    public void Rows_of_two_adapters_are_both_put_in_and_the_others_stay()
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3);
        using var merged = Merge([Tokens("[2]"), Tokens("""{"embed_tokens": [0], "lm_head": [1]}""")], [1, 1], embedding);

        var (before, after) = (embedding.ToFloats(), merged.Find("model.embed_tokens.weight")!.ToFloats());
        Assert.Equal([true, false, true, false], Enumerable.Range(0, 4).Select(row => !before.AsSpan(row * 3, 3).SequenceEqual(after.AsSpan(row * 3, 3))));
    }

    [Fact]
    public void A_head_with_a_delta_of_its_own_takes_the_rows_of_the_embedding()
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3);
        using var merged = Merge([Tokens("[1]").Linear("lm_head", 3, 4)], [1], embedding);

        var (embed, head) = (merged.Find("model.embed_tokens.weight")!.ToFloats(), merged.Find("lm_head.weight")!.ToFloats());
        Assert.Equal(embed.AsSpan(3, 3).ToArray(), head.AsSpan(3, 3).ToArray());
        Assert.NotEqual(embed.AsSpan(0, 3).ToArray(), head.AsSpan(0, 3).ToArray());
    }

    [Theory]
    [InlineData("[2]", "[2]", 1, ProblemCode.AdaptersConflict)]
    [InlineData("[2]", "[1]", 0.5, ProblemCode.AdaptersConflict)]
    [InlineData("[2]", "[4]", 1, ProblemCode.WeightShapeMismatch)]
    [InlineData("[2]", "[1, 1]", 1, ProblemCode.AdapterConfigInvalid)]
    [InlineData("[2]", "[0, 1]", 1, ProblemCode.AdapterTensorInvalid)]
    [InlineData("[2]", "[-1]", 1, ProblemCode.AdapterConfigInvalid)]
    [InlineData("[2]", """{"other": [1]}""", 1, ProblemCode.AdapterTensorUnused)]
    public void Rows_without_one_meaning_are_refused(string first, string second, double weight, ProblemCode code)
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3);
        var problems = Assert.Throws<LoraOpsException>(() => Merge([Tokens(first), Tokens(second)], [1, weight], embedding)).Problems;
        Assert.Contains(code, problems.Select(problem => problem.Code));
    }

    [Fact]
    public void Rows_that_another_adapter_adds_to_are_refused()
    {
        var embedding = TinyCheckpoint.Tensor("model.embed_tokens.weight", ElementType.F32, 4, 3);
        var problems = Assert.Throws<LoraOpsException>(() =>
            Merge([Tokens("[2]"), new TinyAdapter().Embedding("model.embed_tokens", 4, 3)], [1, 1], embedding)).Problems;
        Assert.Equal([ProblemCode.AdaptersConflict], problems.Select(problem => problem.Code));
    }

    public void Dispose() => _folder.Dispose();

    private static TinyAdapter Tokens(string indices) => new TinyAdapter().With("trainable_token_indices", indices)
        .Tensor("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", 1, 3);

    private SafetensorsFile Merge(TinyAdapter[] adapters, double[] weights, params Tensor[] tensors)
    {
        var source = TinyCheckpoint.File(_folder["base/model.safetensors"], tensors);
        File.WriteAllText(_folder["base/config.json"], Llama);
        var sources = adapters.Select((adapter, index) => new AdapterSource(adapter.WriteTo(_folder[$"adapter{index}"]), weights[index])).ToList();
        var output = _folder[$"out{Guid.NewGuid():n}.safetensors"];
        using (var plan = MergePlan.Make(source, sources, output, new MergeOptions()))
            plan.Run();

        return SafetensorsFile.Open(output);
    }
}
