using System.Globalization;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Safetensors;

/// <summary>The weights of a model: one safetensors file, or the shards that an index names.</summary>
public sealed class Checkpoint : IDisposable
{
    private readonly Dictionary<string, (SafetensorsFile Shard, Tensor Tensor)> _byName = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly List<string> _warnings = [];
    private readonly List<SafetensorsFile> _shards = [];

    private Checkpoint(string path) => Path = path;

    /// <summary>The file or folder as it was named.</summary>
    public string Path { get; }

    /// <summary>The files, by name; one if the checkpoint is not sharded.</summary>
    public IReadOnlyList<SafetensorsFile> Shards => _shards;

    /// <summary>The names of all tensors: shard by shard, in the order of their bytes.</summary>
    public IEnumerable<string> Names => _names;

    /// <summary>What is odd and does no harm: tensors that the index does not list, a wrong total size.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>The path of the index, or null if the checkpoint is one file.</summary>
    public string? IndexPath { get; private set; }

    /// <summary>The index as it is in its file; empty if there is none.</summary>
    public ReadOnlyMemory<byte> IndexJson { get; private set; }

    /// <summary>The path of the config.json beside the weights, or null.</summary>
    public string? ConfigPath { get; private set; }

    /// <summary>Opens a .safetensors file, an index, or a folder that holds either; every header is checked.</summary>
    /// <exception cref="LoraOpsException">A file is missing or invalid, or the index and the shards disagree.</exception>
    public static Checkpoint Open(string fileOrFolder)
    {
        var location = CheckpointLocation.Find(fileOrFolder);
        var checkpoint = new Checkpoint(fileOrFolder);
        try
        {
            if (location.IsIndex)
                checkpoint.OpenShards(location.File);
            else
                checkpoint.OpenSingle(location.File);

            var config = System.IO.Path.Combine(FolderOf(location.File), "config.json");
            checkpoint.ConfigPath = File.Exists(config) ? config : null;
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of this name, or null.</summary>
    public Tensor? Find(string name) => _byName.TryGetValue(name, out var found) ? found.Tensor : null;

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="KeyNotFoundException">No tensor has this name.</exception>
    public SafetensorsFile ShardOf(string name) => _byName[name].Shard;

    /// <summary>Closes every file; the tensors throw from now on.</summary>
    public void Dispose()
    {
        foreach (var shard in _shards)
            shard.Dispose();
    }

    private static string FolderOf(string file) => System.IO.Path.GetDirectoryName(file) ?? "";

    private void OpenSingle(string file)
    {
        var shard = SafetensorsFile.Open(file);
        _shards.Add(shard);
        foreach (var tensor in shard.Tensors)
            AddTensor(shard, tensor);
    }

    private void OpenShards(string indexPath)
    {
        var index = CheckpointIndex.Read(indexPath);
        (IndexPath, IndexJson) = (indexPath, index.Json);
        var expected = index.ShardOf.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal)
            .OrderBy(shard => shard.Key, StringComparer.Ordinal)
            .ToList();
        var problems = new ProblemList();
        foreach (var shard in expected)
        {
            if (ShardProblem(indexPath, shard.Key, shard.Count()) is { } problem)
                problems.Add(problem);
        }

        problems.ThrowIfAny();
        foreach (var shard in expected)
            OpenShard(index, indexPath, shard, problems);

        problems.ThrowIfAny();
        CheckTotalSize(index);
    }

    private void OpenShard(
        CheckpointIndex index, string indexPath, IGrouping<string, string> expected, ProblemList problems)
    {
        var shard = SafetensorsFile.Open(System.IO.Path.Combine(FolderOf(indexPath), expected.Key));
        _shards.Add(shard);
        foreach (var tensor in shard.Tensors)
        {
            if (index.ShardOf.TryGetValue(tensor.Name, out var place) && place == expected.Key)
                AddTensor(shard, tensor);
            else
                _warnings.Add($"{shard.Path}: tensor '{tensor.Name}' is not in the index and is not used.");
        }

        foreach (var name in expected.Where(name => shard.Find(name) is null))
            problems.Add(CheckpointProblems.IndexTensorMissing(indexPath, name, expected.Key));
    }

    private void AddTensor(SafetensorsFile shard, Tensor tensor)
    {
        _byName.Add(tensor.Name, (shard, tensor));
        _names.Add(tensor.Name);
    }

    private void CheckTotalSize(CheckpointIndex index)
    {
        var total = _byName.Values.Aggregate(0L, (sum, found) => sum + found.Tensor.ByteLength)
            .ToString(CultureInfo.InvariantCulture);
        if (index.TotalSize is { } claimed && claimed != total)
            _warnings.Add($"{IndexPath}: total_size is {claimed}, the tensors have {total} bytes.");
    }

    private static Problem? ShardProblem(string indexPath, string shard, int tensors)
    {
        var file = new FileInfo(System.IO.Path.Combine(FolderOf(indexPath), shard));
        if (!file.Exists)
            return CheckpointProblems.IndexShardMissing(indexPath, shard, tensors);

        return file.ResolveLinkTarget(returnFinalTarget: true) is { } target && !IsInside(file.DirectoryName!, target.FullName)
            ? FileProblems.PathEscapes(indexPath, shard)
            : null;
    }

    // A link may stay in its folder, or point from snapshots/REVISION to blobs as the download cache of the Hub lays them out.
    private static bool IsInside(string folder, string target)
    {
        var targetFolder = System.IO.Path.GetDirectoryName(target);
        var snapshots = System.IO.Path.GetDirectoryName(folder);
        return targetFolder == folder ||
            (System.IO.Path.GetFileName(snapshots) == "snapshots" &&
             targetFolder == System.IO.Path.Combine(FolderOf(snapshots!), "blobs"));
    }
}
