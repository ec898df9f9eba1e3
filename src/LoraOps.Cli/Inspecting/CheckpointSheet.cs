using LoraOps.Cli.Output;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Readers.TorchPickle;
using LoraOps.Tensors;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in files of tensors.</summary>
internal static class CheckpointSheet
{
    private static readonly string[] Columns = ["name", "type", "shape", "bytes"];

    /// <summary>A safetensors file, folder or index.</summary>
    public static Sheet OfCheckpoint(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var tensors = checkpoint.Shards.SelectMany(shard => shard.Tensors).ToArray();
        var sheet = new Sheet()
            .Add("kind", checkpoint.Shards.Count == 1 ? "safetensors" : "sharded safetensors")
            .Add("path", path)
            .Add("files", checkpoint.Shards.Count);
        AddTensors(sheet, tensors);
        return sheet
            .AddGrid("shards", ["file", "tensors", "bytes"], checkpoint.Shards.Select(Shard), detail: checkpoint.Shards.Count == 1)
            .AddGrid("metadata", ["key", "value"], Metadata(checkpoint), detail: true)
            .AddNotes("warnings", checkpoint.Warnings);
    }

    /// <summary>A file of torch.save; nothing in it is run.</summary>
    public static Sheet OfTorch(string path) =>
        AddTensors(new Sheet().Add("kind", "torch file").Add("path", path), [.. TorchFile.Read(path)]);

    /// <summary>A folder of .npy arrays.</summary>
    public static Sheet OfSamples(string path)
    {
        var samples = SampleSet.Open(path);
        var sheet = new Sheet().Add("kind", "samples").Add("path", path).Add("samples", samples.Count);
        return AddTensors(sheet, [.. samples.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)]);
    }

    /// <summary>One .npy array.</summary>
    public static Sheet OfArray(string path) => AddTensors(
        new Sheet().Add("kind", "array").Add("path", path), [NpyFile.Open(path, Path.GetFileNameWithoutExtension(path))]);

    private static Sheet AddTensors(Sheet sheet, Tensor[] tensors) => sheet
        .Add("tensor count", tensors.Length)
        .Add("parameters", tensors.Sum(tensor => tensor.Shape.ElementCount))
        .Add("bytes", Cell.Bytes(tensors.Sum(tensor => tensor.ByteLength)))
        .Add("types", Cell.List(tensors.GroupBy(tensor => tensor.Type).OrderBy(group => group.Key).Select(group => group.Key.Name())))
        .AddGrid("tensors", Columns, tensors.Select(Row));

    private static Cell[] Row(Tensor tensor) =>
        [tensor.Name, tensor.Type.Name(), tensor.Shape.ToString(), Cell.Bytes(tensor.ByteLength)];

    private static Cell[] Shard(SafetensorsFile shard) =>
        [Path.GetFileName(shard.Path), shard.Tensors.Count, Cell.Bytes(new FileInfo(shard.Path).Length)];

    private static IEnumerable<Cell[]> Metadata(Checkpoint checkpoint) => checkpoint.Shards
        .SelectMany(shard => shard.Metadata)
        .DistinctBy(entry => entry.Key)
        .OrderBy(entry => entry.Key, StringComparer.Ordinal)
        .Select(entry => new Cell[] { entry.Key, entry.Value });
}
