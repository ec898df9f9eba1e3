using LoraOps.Problems;
using LoraOps.Readers.TorchPickle;

namespace LoraOps.Readers.Safetensors;

/// <summary>Which file of a folder is the checkpoint.</summary>
/// <param name="File">The safetensors file or the index.</param>
/// <param name="IsIndex">True for an index.</param>
internal sealed record CheckpointLocation(string File, bool IsIndex)
{
    private const string IndexSuffix = ".safetensors.index.json";

    // What transformers and diffusers call the weights of one model.
    private static readonly string[] SingleNames = ["model.safetensors", "diffusion_pytorch_model.safetensors"];

    /// <summary>
    /// Finds the checkpoint: the path itself, or model.safetensors (diffusers: diffusion_pytorch_model.safetensors), an index, or
    /// the only safetensors file of the folder.
    /// </summary>
    /// <exception cref="LoraOpsException">There is none, or no telling which.</exception>
    public static CheckpointLocation Find(string fileOrFolder)
    {
        if (System.IO.File.Exists(fileOrFolder) && TorchFile.IsNamed(fileOrFolder))
            throw new LoraOpsException(CheckpointProblems.Pickled(fileOrFolder));

        if (!Directory.Exists(fileOrFolder))
            return new CheckpointLocation(fileOrFolder, fileOrFolder.EndsWith(".json", StringComparison.OrdinalIgnoreCase));

        // The order of both libraries: a single file wins over an index.
        foreach (var name in SingleNames)
        {
            var single = Path.Combine(fileOrFolder, name);
            if (System.IO.File.Exists(single))
                return new CheckpointLocation(single, IsIndex: false);

            var index = single + ".index.json";
            if (System.IO.File.Exists(index))
                return new CheckpointLocation(index, IsIndex: true);
        }

        return Only(fileOrFolder, "*" + IndexSuffix) is { } onlyIndex
            ? new CheckpointLocation(onlyIndex, IsIndex: true)
            : new CheckpointLocation(
                Only(fileOrFolder, "*.safetensors") ?? throw new LoraOpsException(Pickled(fileOrFolder) ?? CheckpointProblems.None(fileOrFolder)),
                IsIndex: false);
    }

    // Transformers' names before safetensors: one file, or shards with an index.
    private static Problem? Pickled(string folder) =>
        Directory.EnumerateFiles(folder, "pytorch_model*.bin*").Order(StringComparer.Ordinal).FirstOrDefault() is { } file
            ? CheckpointProblems.Pickled(file)
            : null;

    private static string? Only(string folder, string pattern)
    {
        var names = Directory.EnumerateFiles(folder, pattern)
            .Select(file => Path.GetFileName(file))
            .Order(StringComparer.Ordinal)
            .Take(8)
            .ToList();
        return names.Count switch
        {
            0 => null,
            1 => Path.Combine(folder, names[0]),
            _ => throw new LoraOpsException(CheckpointProblems.Ambiguous(folder, names)),
        };
    }
}
