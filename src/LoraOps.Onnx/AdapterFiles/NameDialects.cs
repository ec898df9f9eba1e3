using LoraOps.Problems;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>The ways to call an adapter's inputs. The values are the same in all of them: A [in, r], B [r, out], the scale in B.</summary>
public static class NameDialects
{
    /// <summary>As PEFT calls its tensors, without <c>base_model.model.</c>; Olive's convert-adapters does so for Llama.</summary>
    public static NameDialect Canonical { get; } = new(
        "canonical",
        "PEFT's own names without base_model.model., as Olive gives them after a TorchScript export",
        shortensAttention: false,
        ("lora_A", ".lora_A.weight"),
        ("lora_B", ".lora_B.weight"),
        ("lora_g", ".lora_g.weight"),
        ("lora_embedding_A", ".lora_embedding_A"),
        ("lora_embedding_B", ".lora_embedding_B"));

    /// <summary>As torch.export leaves them in a PEFT model: with the adapter's name, which is <c>default</c>.</summary>
    public static NameDialect OliveDynamo { get; } = new(
        "olive-dynamo",
        "with PEFT's adapter name 'default', as Olive's ExtractAdapters leaves them after a dynamo export",
        shortensAttention: false,
        ("lora_A", ".lora_A.default.weight"),
        ("lora_B", ".lora_B.default.weight"),
        ("lora_g", ".lora_g.default.weight"),
        ("lora_embedding_A", ".lora_embedding_A.default"),
        ("lora_embedding_B", ".lora_embedding_B.default"));

    /// <summary>
    /// As onnxruntime-genai's model builder names its nodes: with their operators, and <c>layers.N.attn</c> for <c>layers.N.self_attn</c>.
    /// </summary>
    public static NameDialect GenaiBuilder { get; } = new(
        "genai-builder",
        "after the nodes of onnxruntime-genai's model builder: lora_A.MatMul, and layers.N.attn for layers.N.self_attn",
        shortensAttention: true,
        ("lora_A", ".lora_A.MatMul.weight"),
        ("lora_B", ".lora_B.MatMul.weight"),
        ("lora_g", ".lora_g.Mul.weight"),
        ("lora_embedding_A", ".lora_embedding_A.Gather.weight"),
        ("lora_embedding_B", ".lora_embedding_B.MatMul.weight"));

    /// <summary>Every dialect; the first that knows all names of a file is taken for its own.</summary>
    public static IReadOnlyList<NameDialect> All { get; } = [Canonical, OliveDynamo, GenaiBuilder];

    /// <summary>The dialect of this name, or null.</summary>
    public static NameDialect? Find(string name) => All.FirstOrDefault(dialect => dialect.Name == name);

    /// <summary>The first dialect that knows all of these names.</summary>
    /// <param name="names">Names of inputs or parameters.</param>
    /// <param name="path">The file that they are from, for messages.</param>
    /// <exception cref="LoraOpsException">There is none.</exception>
    public static NameDialect Of(IReadOnlyCollection<string> names, string path)
    {
        if (All.FirstOrDefault(dialect => names.All(name => dialect.Parse(name) is not null)) is { } found)
            return found;

        // The names that the best dialect does not know say what is wrong.
        var strange = All.Select(dialect => names.Where(name => dialect.Parse(name) is null).ToList()).MinBy(list => list.Count)!;
        throw new LoraOpsException(AdapterNameProblems.OfNoDialect(path, strange, $"{string.Join(", ", All)}"));
    }
}
