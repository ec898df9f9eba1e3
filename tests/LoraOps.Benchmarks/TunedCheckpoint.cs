using System.Numerics.Tensors;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Benchmarks;

/// <summary>
/// Writes a checkpoint whose linear layers are those of another plus a product of random factors, rounded to their type: that is the noise.
/// </summary>
internal static class TunedCheckpoint
{
    private const double Size = 1e-3;

    /// <summary>Writes the folder beside the other, in the same files.</summary>
    public static void Write(string source, string folder, int rank)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(source).Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));

        foreach (var file in Directory.GetFiles(source, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using var shard = SafetensorsFile.Open(file);
            var entries = shard.Tensors.Select(tensor => new SafetensorsEntry(tensor.Name, tensor.Type, tensor.Shape)).ToList();
            using var output = SafetensorsOutput.Create(
                Path.Combine(folder, Path.GetFileName(file)), entries, new Dictionary<string, string> { ["format"] = "pt" });
            foreach (var tensor in shard.Tensors)
                Write(output, tensor, tensor.Name.EndsWith("_proj.weight", StringComparison.Ordinal) ? rank : 0);

            output.Finish();
        }
    }

    private static void Write(SafetensorsOutput output, Tensor tensor, int rank)
    {
        var columns = (int)tensor.Shape[-1];
        var random = new Random((int)(tensor.Name.Aggregate(17L, (sum, letter) => ((sum * 31) + letter) % 1_000_003)));
        var a = Factor(random, rank * columns, Size / Math.Sqrt(Math.Max(1, rank)));
        var (row, bytes) = (new float[columns], new byte[columns * sizeof(ushort)]);
        for (var first = 0L; first < tensor.Shape.ElementCount; first += columns)
        {
            tensor.ReadFloats(first, row);
            var b = Factor(random, rank, 1);
            for (var index = 0; index < rank; index++)
                TensorPrimitives.FusedMultiplyAdd(a.AsSpan(index * columns, columns), b[index], row, row);

            ElementCodec.Encode(tensor.Type, row, bytes);
            output.Write(bytes);
        }
    }

    private static float[] Factor(Random random, int length, double size)
    {
        var values = new float[length];
        for (var at = 0; at < length; at++)
            values[at] = (float)(size * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

        return values;
    }
}
