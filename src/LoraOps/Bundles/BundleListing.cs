using LoraOps.Problems;

namespace LoraOps.Bundles;

/// <summary>What really lies in a bundle's folder, hidden entries included, without following a link.</summary>
internal static class BundleListing
{
    private const int MaxEntries = 100_000;

    private static readonly EnumerationOptions _everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
    };

    /// <summary>The plain files with their lengths, by path in ordinal order; what is no plain file is a problem.</summary>
    public static SortedDictionary<string, long> Of(string folder, List<Problem> problems)
    {
        var files = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var folders = new Queue<(string Path, int Depth)>([(folder, 0)]);
        while (folders.TryDequeue(out var at))
        {
            var entries = new DirectoryInfo(at.Path).EnumerateFileSystemInfos("*", _everything)
                .Take(MaxEntries).OrderBy(entry => entry.Name, StringComparer.Ordinal).ToList();
            if (entries.Count == 0 && at.Depth > 0)
                problems.Add(BundleProblems.FileExtra(at.Path));

            foreach (var entry in entries)
                Visit(folder, entry, at.Depth, files, folders, problems);
        }

        return files;
    }

    private static void Visit(
        string root, FileSystemInfo entry, int depth, SortedDictionary<string, long> files, Queue<(string Path, int Depth)> folders, List<Problem> problems)
    {
        // The entry's own path would be absolute; people should see the one that they gave.
        var path = Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
        if (entry.LinkTarget is not null)
            problems.Add(BundleProblems.EntryNotPlain(Path.Combine(root, path)));
        else if (entry is FileInfo file)
            files.Add(path, file.Length);
        else if (depth + 1 < BundlePath.MaxDepth)
            folders.Enqueue((Path.Combine(root, path), depth + 1));
        else
            problems.Add(BundleProblems.FileExtra(Path.Combine(root, path)));

        if (files.Count > MaxEntries)
            throw new LoraOpsException(BundleProblems.FileExtra(Path.Combine(root, path)));
    }
}
