using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Merging;

/// <summary>Writes small base checkpoints of values that have few digits.</summary>
internal static class TinyCheckpoint
{
    public static Tensor Tensor(string name, ElementType type, params long[] dims)
    {
        var values = new float[new TensorShape(dims).ElementCount];
        for (var index = 0; index < values.Length; index++)
            values[index] = (((index * 7) + name.Length) % 31 - 15) / 16f;

        return BufferTensor.FromFloats(name, type, new TensorShape(dims), values);
    }

    public static string File(string path, params Tensor[] tensors)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.Delete(path);
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        return path;
    }

    /// <summary>A folder with one shard for each tensor, an index and a config.</summary>
    public static string Sharded(string folder, string config, params Tensor[] tensors)
    {
        var lines = new List<string>();
        for (var index = 0; index < tensors.Length; index++)
        {
            var name = $"model-{index + 1:00000}-of-{tensors.Length:00000}.safetensors";
            File(Path.Combine(folder, name), tensors[index]);
            lines.Add($"    \"{tensors[index].Name}\": \"{name}\"");
        }

        var total = tensors.Sum(tensor => tensor.ByteLength);
        System.IO.File.WriteAllText(
            Path.Combine(folder, "model.safetensors.index.json"),
            $"{{\n  \"metadata\": {{ \"total_size\": {total}, \"note\": \"mine\" }},\n  \"weight_map\": {{\n{string.Join(",\n", lines)}\n  }}\n}}\n");
        System.IO.File.WriteAllText(Path.Combine(folder, "config.json"), config);
        return folder;
    }
}
