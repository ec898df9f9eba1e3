using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Benchmarks;

/// <summary>Makes an adapter of any of the compared methods for all seven linear layers of every block.</summary>
internal static class BenchmarkAdapter
{
    /// <summary>The methods that can be made.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["lora", "dora", "loha", "lokr", "oft"];

    /// <summary>Writes a PEFT folder.</summary>
    /// <param name="folder">A folder that does not exist.</param>
    /// <param name="method">One of <see cref="Methods"/>.</param>
    /// <param name="blocks">The blocks of the checkpoint.</param>
    /// <param name="rank">The rank of factors; OFT has blocks of 32.</param>
    public static void Write(string folder, string method, int blocks, int rank) => Write(folder, method, (blocks, LlamaCheckpoint.Linear), rank, 1);

    /// <summary>Writes a PEFT folder for other layers.</summary>
    /// <param name="folder">A folder that does not exist.</param>
    /// <param name="method">One of <see cref="Methods"/>.</param>
    /// <param name="model">How many blocks, and the layers of each.</param>
    /// <param name="rank">The rank of factors; OFT has blocks of 32.</param>
    /// <param name="seed">Another seed makes another adapter.</param>
    public static void Write(
        string folder, string method, (int Blocks, IReadOnlyList<(string Module, int Outputs, int Inputs)> Layers) model, int rank, int seed)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), Config(method, rank));
        var random = new Random(seed);
        var tensors = new List<Tensor>();
        for (var block = 0; block < model.Blocks; block++)
        {
            foreach (var (module, outputs, inputs) in model.Layers)
            {
                tensors.AddRange(Parts(method, rank, outputs, inputs).Select(part =>
                    Random(random, $"base_model.model.model.layers.{block}.{module}.{part.Name}", part.Dims)));
            }
        }

        SafetensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"), tensors);
    }

    private static (string Name, long[] Dims)[] Parts(string method, int rank, int outputs, int inputs) => method switch
    {
        "lora" => [("lora_A.weight", [rank, inputs]), ("lora_B.weight", [outputs, rank])],
        "dora" => [("lora_A.weight", [rank, inputs]), ("lora_B.weight", [outputs, rank]), ("lora_magnitude_vector", [outputs])],
        "loha" =>
        [
            ("hada_w1_a", [outputs, rank]), ("hada_w1_b", [rank, inputs]), ("hada_w2_a", [outputs, rank]), ("hada_w2_b", [rank, inputs]),
        ],
        "lokr" => [("lokr_w1", [16, 16]), ("lokr_w2_a", [outputs / 16, rank]), ("lokr_w2_b", [rank, inputs / 16])],
        "oft" => [("oft_R.weight", [inputs / 32, 32 * 31 / 2])],
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Not a method of the benchmark."),
    };

    private static string Config(string method, int rank) => method switch
    {
        "lora" or "dora" => $$"""{"peft_type":"LORA","r":{{rank}},"lora_alpha":{{rank}},"use_dora":{{(method == "dora" ? "true" : "false")}}}""",
        "oft" => """{"peft_type":"OFT","r":0,"oft_block_size":32,"use_cayley_neumann":true,"num_cayley_neumann_terms":5,"peft_version":"0.20.0"}""",
        _ => $$"""{"peft_type":"{{method.ToUpperInvariant()}}","r":{{rank}},"alpha":{{rank}}}""",
    };

    private static BufferTensor Random(Random random, string name, long[] dims)
    {
        var shape = new TensorShape(dims);
        var values = new float[shape.ElementCount];
        for (var i = 0; i < values.Length; i++)
            values[i] = 0.01f * (random.NextSingle() - 0.5f);

        return BufferTensor.FromFloats(name, ElementType.F32, shape, values);
    }
}
