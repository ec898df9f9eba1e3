using System.Globalization;
using LoraOps.Readers.Quantised;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>One tensor of the output.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Copied">The base's tensor, if its bytes are copied.</param>
/// <param name="Change">What happens to it otherwise.</param>
internal sealed record OutputTensor(string Name, Tensor? Copied, TensorChange? Change)
{
    public ElementType Type => Copied?.Type ?? Change!.Type;

    public TensorShape Shape => Copied?.Shape ?? Change!.Shape;

    public long ByteLength => checked((long)((UInt128)Shape.ElementCount * (uint)Type.Bits() / 8));
}

/// <summary>One file of the output.</summary>
/// <param name="FileName">Its name in the folder.</param>
/// <param name="Tensors">Its tensors, in the order of the base.</param>
/// <param name="Like">The base's file whose header it keeps, or null.</param>
/// <param name="Metadata">The text map of its header otherwise.</param>
internal sealed record OutputShard(
    string FileName, IReadOnlyList<OutputTensor> Tensors, SafetensorsFile? Like, IReadOnlyDictionary<string, string> Metadata)
{
    public long ByteLength => Tensors.Sum(tensor => tensor.ByteLength);
}

/// <summary>Distributes the output's tensors over files.</summary>
internal static class OutputLayout
{
    /// <summary>The name of a model's only file: that of diffusers if the base's files are called so, else that of transformers.</summary>
    public static string SingleName(string baseFile) =>
        Path.GetFileName(baseFile).StartsWith("diffusion_pytorch_model", StringComparison.Ordinal)
            ? "diffusion_pytorch_model.safetensors"
            : "model.safetensors";

    /// <summary>The files of the base, with the changes in their places.</summary>
    public static List<OutputShard> LikeBase(SourceModel model, SortedDictionary<string, TensorChange> changes)
    {
        var shards = model.Weights.Files.Shards;
        var added = changes.Values.Where(change => change.IsNew)
            .ToLookup(change => shards.FirstOrDefault(shard => shard.Find(change.Start.Name) == change.Start) ?? shards[^1]);
        return [.. shards.Select(shard =>
        {
            var tensors = Ordered(model.Weights.TensorsOf(shard))
                .Select(tensor => changes.TryGetValue(tensor.Name, out var change)
                    ? new OutputTensor(tensor.Name, null, change)
                    : new OutputTensor(tensor.Name, tensor, null))
                .Concat(added[shard].Select(change => new OutputTensor(change.Name, null, change)))
                .ToList();
            var name = shards.Count == 1 && model.Weights.Files.IndexPath is null ? SingleName(shard.Path) : Path.GetFileName(shard.Path);
            return new OutputShard(name, tensors, KeepsHeader(shard, tensors) ? shard : null, shard.Metadata);
        })];
    }

    /// <summary>All tensors in one file.</summary>
    public static OutputShard Joined(IReadOnlyList<OutputShard> shards) => shards.Count == 1
        ? shards[0]
        : new OutputShard(SingleName(shards[0].FileName), [.. shards.SelectMany(shard => shard.Tensors)], null, shards[0].Metadata);

    /// <summary>Files of at most this many bytes of tensors, named as huggingface_hub does; a larger tensor has a file of its own.</summary>
    public static List<OutputShard> Cut(IReadOnlyList<OutputShard> shards, long maxBytes)
    {
        var files = new List<List<OutputTensor>>();
        var size = 0L;
        foreach (var tensor in shards.SelectMany(shard => shard.Tensors))
        {
            if (files.Count == 0 || size + tensor.ByteLength > maxBytes)
            {
                files.Add([]);
                size = 0;
            }

            files[^1].Add(tensor);
            size += tensor.ByteLength;
        }

        var stem = Path.GetFileNameWithoutExtension(SingleName(shards[0].FileName));
        return files.Count <= 1
            ? [Joined(shards) with { FileName = SingleName(shards[0].FileName) }]
            : [.. files.Select((tensors, index) => new OutputShard(
                string.Create(CultureInfo.InvariantCulture, $"{stem}-{index + 1:00000}-of-{files.Count:00000}.safetensors"),
                tensors,
                null,
                shards[0].Metadata))];
    }

    // A dequantised weight is wider than its codes were, and torch wants every tensor at a multiple of its element's size.
    private static IEnumerable<Tensor> Ordered(IEnumerable<Tensor> tensors)
    {
        var list = tensors.ToList();
        return list.Exists(tensor => tensor is DequantisedTensor) ? list.OrderByDescending(tensor => tensor.Type) : list;
    }

    private static bool KeepsHeader(SafetensorsFile shard, List<OutputTensor> tensors) =>
        shard.Tensors.Count == tensors.Count && shard.Tensors.Zip(tensors).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Type == pair.Second.Type && pair.First.Shape.Equals(pair.Second.Shape));
}
