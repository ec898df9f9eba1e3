using System.Text.Json.Nodes;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Testing;

/// <summary>Writes a small PEFT folder, the same bytes for the same calls.</summary>
public sealed class TinyAdapter
{
    private readonly Random _random = new(20);
    private readonly List<Tensor> _tensors = [];
    private readonly JsonObject _config = new()
    {
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["init_lora_weights"] = true,
        ["lora_alpha"] = 8,
        ["peft_type"] = "LORA",
        ["r"] = 2,
        ["target_modules"] = new JsonArray(),
        ["use_dora"] = false,
        ["use_rslora"] = false,
    };

    /// <summary>Sets a field of the config; its value is JSON.</summary>
    public TinyAdapter With(string field, string json)
    {
        _config[field] = JsonNode.Parse(json);
        return this;
    }

    /// <summary>Removes a field of the config.</summary>
    public TinyAdapter Without(string field)
    {
        _config.Remove(field);
        return this;
    }

    /// <summary>Adapts a linear layer, with a magnitude if <paramref name="dora"/>.</summary>
    public TinyAdapter Linear(string module, int inputs, int outputs, int rank = 2, bool dora = false)
    {
        Tensor($"base_model.model.{module}.lora_A.weight", rank, inputs);
        Tensor($"base_model.model.{module}.lora_B.weight", outputs, rank);
        return dora ? Magnitude(module, outputs) : this;
    }

    /// <summary>Adapts an embedding, with a magnitude if <paramref name="dora"/>.</summary>
    public TinyAdapter Embedding(string module, int vocabulary, int dim, int rank = 2, bool dora = false)
    {
        Tensor($"base_model.model.{module}.lora_embedding_A", rank, vocabulary);
        Tensor($"base_model.model.{module}.lora_embedding_B", dim, rank);
        return dora ? Magnitude(module, dim) : this;
    }

    /// <summary>Adapts a convolution whose kernel has these sizes, with a magnitude if <paramref name="dora"/>.</summary>
    public TinyAdapter Convolution(string module, int inputs, int outputs, int[] kernel, int rank = 2, bool dora = false)
    {
        long[] ones = [.. kernel.Select(_ => 1L)];
        Tensor($"base_model.model.{module}.lora_A.weight", [rank, inputs, .. kernel.Select(size => (long)size)]);
        Tensor($"base_model.model.{module}.lora_B.weight", [outputs, rank, .. ones]);
        return dora ? Magnitude(module, [1, outputs, .. ones]) : this;
    }

    /// <summary>Adds a tensor of random values of any name and shape.</summary>
    public TinyAdapter Tensor(string name, params long[] dims)
    {
        var values = new float[new TensorShape(dims).ElementCount];
        for (var index = 0; index < values.Length; index++)
            values[index] = (_random.NextSingle() - 0.5f) / 2;

        return Tensor(name, values, dims);
    }

    /// <summary>Adds a tensor of these values.</summary>
    public TinyAdapter Tensor(string name, float[] values, params long[] dims)
    {
        _tensors.Add(BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(dims), values));
        return this;
    }

    /// <summary>Adds a tensor as it is.</summary>
    public TinyAdapter Tensor(Tensor tensor)
    {
        _tensors.Add(tensor);
        return this;
    }

    /// <summary>Writes the folder, replacing what an earlier call wrote, and gives its path.</summary>
    public string WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), _config.ToJsonString());
        var weights = Path.Combine(folder, "adapter_model.safetensors");
        File.Delete(weights);
        SafetensorsWriter.Write(weights, _tensors, new Dictionary<string, string> { ["format"] = "pt" });
        return folder;
    }

    private TinyAdapter Magnitude(string module, params long[] dims)
    {
        With("use_dora", "true");
        var values = new float[new TensorShape(dims).ElementCount];
        for (var index = 0; index < values.Length; index++)
            values[index] = 0.5f + _random.NextSingle();

        return Tensor($"base_model.model.{module}.lora_magnitude_vector", values, dims);
    }
}
