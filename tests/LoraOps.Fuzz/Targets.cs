using LoraOps.Merging;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;

namespace LoraOps.Fuzz;

/// <summary>What is driven with mutated files.</summary>
public static class Targets
{
    /// <summary>SafetensorsFile.Open, then every tensor.</summary>
    public const string Safetensors = "safetensors";

    /// <summary>Checkpoint.Open, then every tensor.</summary>
    public const string Checkpoint = "checkpoint";

    /// <summary>PeftReader.Read, then every replacement.</summary>
    public const string Adapter = "adapter";

    /// <summary>MergePlan.Make and Run.</summary>
    public const string Merge = "merge";

    /// <summary>NpyFile.Open and SampleSet.Open.</summary>
    public const string Array = "array";

    /// <summary>OnnxAdapterFile.Read, then every parameter.</summary>
    public const string OnnxAdapter = "onnx-adapter";

    [ThreadStatic]
    private static byte[]? _bytes;

    [ThreadStatic]
    private static float[]? _floats;

    /// <summary>Reads an input; a LoraOpsException is a right answer.</summary>
    /// <param name="input">What it is.</param>
    /// <param name="folder">Where it was written.</param>
    /// <param name="output">A path that does not exist, for what is merged.</param>
    public static void Run(FuzzInput input, string folder, string output)
    {
        switch (input.Target)
        {
            case Safetensors:
                using (var file = SafetensorsFile.Open(Path.Combine(folder, input.Files[0].Path)))
                    ReadAll(file.Tensors);

                break;
            case Checkpoint:
                using (var checkpoint = Readers.Safetensors.Checkpoint.Open(folder))
                    ReadAll(checkpoint.Names.Select(name => checkpoint.Find(name)!));

                break;
            case Adapter:
                ReadAll(PeftReader.Read(Path.Combine(folder, input.Adapter), residualBase: true).Replacements.Select(replacement => replacement.Value));
                break;
            case Array:
                ReadAll([NpyFile.Open(Path.Combine(folder, input.Files[0].Path), "x")]);
                ReadAll(SampleSet.Open(folder).Tensors.Values);
                break;
            case OnnxAdapter:
                ReadAll(OnnxAdapterFile.Read(Path.Combine(folder, input.Files[0].Path)).Parameters);
                break;
            default:
                MergeInto(input, folder, output);
                break;
        }
    }

    private static void MergeInto(FuzzInput input, string folder, string output)
    {
        var options = new MergeOptions { ResidualBase = true };
        using var plan = MergePlan.Make(Path.Combine(folder, input.Base), [new AdapterSource(Path.Combine(folder, input.Adapter))], output, options);
        plan.Run();
    }

    // Into buffers of the harness, so that only the reader's own memory is counted.
    private static void ReadAll(IEnumerable<Tensor> tensors)
    {
        var bytes = _bytes ??= new byte[1 << 16];
        var floats = _floats ??= new float[1 << 14];
        foreach (var tensor in tensors)
        {
            for (long at = 0; at < tensor.ByteLength; at += bytes.Length)
                tensor.ReadBytes(at, bytes.AsSpan(0, (int)Math.Min(bytes.Length, tensor.ByteLength - at)));

            for (long at = 0; tensor.Type.IsNumeric() && at < tensor.Shape.ElementCount; at += floats.Length)
                tensor.ReadFloats(at, floats.AsSpan(0, (int)Math.Min(floats.Length, tensor.Shape.ElementCount - at)));
        }
    }
}
