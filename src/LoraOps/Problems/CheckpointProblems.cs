namespace LoraOps.Problems;

/// <summary>What can be wrong with the folder or the index of a checkpoint.</summary>
public static class CheckpointProblems
{
    /// <summary><see cref="ProblemCode.IndexNotJson"/></summary>
    public static Problem IndexNotJson(string path, string reason) =>
        new(ProblemCode.IndexNotJson, path,
            $"is not JSON: {reason.TrimEnd('.')}",
            "Download the index again.");

    /// <summary><see cref="ProblemCode.IndexTooLarge"/></summary>
    public static Problem IndexTooLarge(string path, long length, long limit) =>
        new(ProblemCode.IndexTooLarge, path,
            $"has {length} bytes; at most {limit} are allowed",
            "Check that it is the index of a checkpoint.");

    /// <summary><see cref="ProblemCode.IndexNoWeightMap"/></summary>
    public static Problem IndexNoWeightMap(string path, string found) =>
        new(ProblemCode.IndexNoWeightMap, path,
            $"{found}; an index has one object weight_map from tensor names to file names",
            "Download the index again.");

    /// <summary><see cref="ProblemCode.IndexShardNotText"/></summary>
    public static Problem IndexShardNotText(string path, string tensor, string found) =>
        new(ProblemCode.IndexShardNotText, path,
            $"weight_map: tensor '{tensor}' is mapped to {found}; it must be a file name",
            "Download the index again.");

    /// <summary><see cref="ProblemCode.IndexNameTwice"/></summary>
    public static Problem IndexNameTwice(string path, string tensor) =>
        new(ProblemCode.IndexNameTwice, path,
            $"weight_map names tensor '{tensor}' twice",
            "Download the index again.");

    /// <summary><see cref="ProblemCode.IndexShardMissing"/></summary>
    public static Problem IndexShardMissing(string path, string shard, int tensors) =>
        new(ProblemCode.IndexShardMissing, path,
            $"shard '{shard}' with {tensors} tensors is not beside the index",
            "Download the missing shard.");

    /// <summary><see cref="ProblemCode.IndexTensorMissing"/></summary>
    public static Problem IndexTensorMissing(string path, string tensor, string shard) =>
        new(ProblemCode.IndexTensorMissing, path,
            $"tensor '{tensor}' should be in shard '{shard}' and is not",
            "Download index and shards of the same revision.");

    /// <summary><see cref="ProblemCode.CheckpointNone"/></summary>
    public static Problem None(string folder) =>
        new(ProblemCode.CheckpointNone, folder,
            "the folder holds no .safetensors file",
            "Name the file, or the folder that it lies in.");

    /// <summary><see cref="ProblemCode.CheckpointAmbiguous"/></summary>
    public static Problem Ambiguous(string folder, IReadOnlyList<string> files) =>
        new(ProblemCode.CheckpointAmbiguous, folder,
            $"the folder holds {string.Join(", ", files)} and neither model.safetensors nor an index",
            "Name the file that you mean.");

    /// <summary><see cref="ProblemCode.CheckpointPickled"/></summary>
    public static Problem Pickled(string path) =>
        new(ProblemCode.CheckpointPickled, path,
            "is a checkpoint of torch.save; a base is read from safetensors only",
            "Convert it: load it where you trust it and save it with safe_serialization=True.");
}
