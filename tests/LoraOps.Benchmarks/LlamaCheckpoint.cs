using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Benchmarks;

/// <summary>Makes a Llama-shaped bfloat16 checkpoint of random weights, as large and in as many files as asked.</summary>
internal static class LlamaCheckpoint
{
    public const int Hidden = 2048;
    public const int Intermediate = 5632;
    private const int KeyValue = 256;
    private const int Vocabulary = 32000;

    /// <summary>The adapted layers of a block with their outputs and inputs.</summary>
    public static IReadOnlyList<(string Module, int Outputs, int Inputs)> Linear { get; } =
    [
        ("self_attn.q_proj", Hidden, Hidden), ("self_attn.k_proj", KeyValue, Hidden), ("self_attn.v_proj", KeyValue, Hidden),
        ("self_attn.o_proj", Hidden, Hidden), ("mlp.gate_proj", Intermediate, Hidden), ("mlp.up_proj", Intermediate, Hidden),
        ("mlp.down_proj", Hidden, Intermediate),
    ];

    /// <summary>Writes the checkpoint; gives the number of its blocks.</summary>
    /// <param name="folder">A folder that does not exist.</param>
    /// <param name="bytes">At least so many bytes of tensors.</param>
    /// <param name="shards">The number of files.</param>
    public static int Write(string folder, long bytes, int shards)
    {
        Directory.CreateDirectory(folder);
        var blockBytes = Linear.Sum(layer => 2L * layer.Outputs * layer.Inputs) + (4L * Hidden);
        var blocks = (int)Math.Max(1, (bytes - (4L * Vocabulary * Hidden) + blockBytes - 1) / blockBytes);
        var tensors = Names(blocks).ToList();
        var (total, index) = (tensors.Sum(tensor => tensor.ByteLength), new List<string>());
        var (at, file) = (0L, 0);
        foreach (var shard in tensors.GroupBy(tensor => (int)Math.Min(shards - 1, (at += tensor.ByteLength) * shards / (total + 1))))
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"model-{++file:00000}-of-{shards:00000}.safetensors");
            WriteShard(Path.Combine(folder, name), [.. shard], file);
            index.AddRange(shard.Select(tensor => $"    \"{tensor.Name}\": \"{name}\""));
        }

        File.WriteAllText(
            Path.Combine(folder, "model.safetensors.index.json"),
            $"{{\n  \"metadata\": {{\n    \"total_size\": {total}\n  }},\n  \"weight_map\": {{\n{string.Join(",\n", index)}\n  }}\n}}\n");
        File.WriteAllText(Path.Combine(folder, "config.json"), """{"model_type":"llama","tie_word_embeddings":false,"torch_dtype":"bfloat16"}""");
        return blocks;
    }

    private static IEnumerable<SafetensorsEntry> Names(int blocks)
    {
        SafetensorsEntry Of(string name, params ReadOnlySpan<long> dims) => new(name, ElementType.BF16, new TensorShape(dims));
        yield return Of("model.embed_tokens.weight", Vocabulary, Hidden);
        for (var block = 0; block < blocks; block++)
        {
            foreach (var (module, outputs, inputs) in Linear)
                yield return Of($"model.layers.{block}.{module}.weight", outputs, inputs);

            yield return Of($"model.layers.{block}.input_layernorm.weight", Hidden);
            yield return Of($"model.layers.{block}.post_attention_layernorm.weight", Hidden);
        }

        yield return Of("model.norm.weight", Hidden);
        yield return Of("lm_head.weight", Vocabulary, Hidden);
    }

    private static void WriteShard(string path, IReadOnlyList<SafetensorsEntry> tensors, int seed)
    {
        using var output = SafetensorsOutput.Create(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        var random = new Random(seed);
        var block = new ulong[1 << 17];
        while (output.Remaining > 0)
        {
            // Any sign and mantissa, exponents around 2^-7: numbers of the size that weights have.
            for (var i = 0; i < block.Length; i++)
                block[i] = ((ulong)random.NextInt64() & 0x80FF_80FF_80FF_80FF) | 0x3C00_3C00_3C00_3C00;

            output.Write(MemoryMarshal.AsBytes(block.AsSpan())[..(int)Math.Min(output.Remaining, block.Length * sizeof(ulong))]);
        }

        output.Finish();
    }
}
