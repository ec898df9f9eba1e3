using LoraOps.Problems;
using Io = System.IO;

namespace LoraOps.Writers;

/// <summary>
/// An output that appears whole or not at all: it is written beside its destination and renamed when complete.
/// A killed run leaves a hidden <c>.NAME.*.partial</c> folder at worst, which the next run for that destination removes.
/// </summary>
public sealed class StagedOutput : IDisposable
{
    private const string Suffix = ".partial";
    private const string LockName = "lock";
    private readonly string _stage;
    private readonly bool _mayOverwrite;
    private readonly FileStream _lock;
    private readonly List<string> _createdParents;
    private bool _done;

    private StagedOutput(string destination, bool isFolder, bool mayOverwrite)
    {
        Destination = Checked(destination, mayOverwrite);
        _mayOverwrite = mayOverwrite;
        var parent = Io.Path.GetDirectoryName(Destination)!;
        var name = Io.Path.GetFileName(Destination);
        _createdParents = CreateParents(parent);
        SweepStale(parent, name);
        _stage = Io.Path.Combine(parent, $".{name}.{Io.Path.GetRandomFileName()}{Suffix}");
        Directory.CreateDirectory(_stage);
        _lock = new FileStream(Io.Path.Combine(_stage, LockName), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        Path = Io.Path.Combine(_stage, name);
        if (isFolder)
            Directory.CreateDirectory(Path);
    }

    /// <summary>Where the output will be, as a full path.</summary>
    public string Destination { get; }

    /// <summary>
    /// Where to write it until <see cref="Commit"/>: a file to create, or a folder that exists. A file may get companions
    /// beside it whose names begin with its own (<c>model.onnx.data</c>); they move with it.
    /// </summary>
    public string Path { get; }

    /// <summary>Stages one file.</summary>
    /// <exception cref="LoraOpsException">The destination exists and may not be overwritten.</exception>
    public static StagedOutput ForFile(string destination, bool overwrite) => new(destination, isFolder: false, overwrite);

    /// <summary>Stages a folder.</summary>
    /// <exception cref="LoraOpsException">The destination exists, is not an empty folder, and may not be overwritten.</exception>
    public static StagedOutput ForFolder(string destination, bool overwrite) => new(destination, isFolder: true, overwrite);

    /// <summary>The problem that writing to this destination would meet, or null; for planning.</summary>
    public static Problem? Obstacle(string destination, bool overwrite)
    {
        if (Io.Path.GetDirectoryName(Io.Path.GetFullPath(destination)) is null)
            return OutputProblems.OutputUnwritable(destination, "it is the root of a file system");

        var exists = File.Exists(destination) ||
            (Directory.Exists(destination) && Directory.EnumerateFileSystemEntries(destination).Any());
        return exists && !overwrite ? OutputProblems.OutputExists(destination) : null;
    }

    /// <summary>Where a staged file will be once it is committed: the name that people know, for messages. Other paths stay as they are.</summary>
    public static string FinalPath(string path)
    {
        var parts = path.Split(Io.Path.DirectorySeparatorChar);
        return string.Join(Io.Path.DirectorySeparatorChar, parts.Where(part => !(part.StartsWith('.') && part.EndsWith(Suffix, StringComparison.Ordinal))));
    }

    /// <summary>Puts the finished output in its place.</summary>
    /// <exception cref="LoraOpsException">A companion of it exists and may not be overwritten.</exception>
    public void Commit()
    {
        if (Directory.Exists(Path))
        {
            SetAside(Destination);
            Directory.Move(Path, Destination);
        }
        else
        {
            CommitFiles();
        }

        _createdParents.Clear();
        Discard();
    }

    /// <summary>Removes what was staged unless it was committed.</summary>
    public void Dispose() => Discard();

    // The file itself goes last: a run that is killed in between leaves no main file that could look complete.
    private void CommitFiles()
    {
        var companions = Directory.EnumerateFiles(_stage, Io.Path.GetFileName(Path) + ".*")
            .Where(file => file.Length > Path.Length)
            .Select(file => (Staged: file, Final: Destination + file[Path.Length..])).ToList();
        foreach (var (_, final) in companions)
        {
            if (Obstacle(final, _mayOverwrite) is { } problem)
                throw new LoraOpsException(problem);
        }

        // An old main file must not be seen beside new companions.
        if (companions.Count > 0 || Directory.Exists(Destination))
            SetAside(Destination);

        foreach (var (staged, final) in companions)
            File.Move(staged, final, overwrite: true);

        File.Move(Path, Destination, overwrite: true);
    }

    private void SetAside(string existing)
    {
        var aside = Io.Path.Combine(_stage, "replaced");
        if (File.Exists(existing))
            File.Move(existing, aside);
        else if (Directory.Exists(existing))
            Directory.Move(existing, aside);
    }

    private void Discard()
    {
        if (_done)
            return;

        _done = true;
        _lock.Dispose();
        Directory.Delete(_stage, recursive: true);
        foreach (var parent in _createdParents.Where(parent => !Directory.EnumerateFileSystemEntries(parent).Any()))
            Directory.Delete(parent);
    }

    private static string Checked(string destination, bool overwrite)
    {
        var full = Io.Path.TrimEndingDirectorySeparator(Io.Path.GetFullPath(destination));
        return Obstacle(full, overwrite) is { } problem ? throw new LoraOpsException(problem with { Where = destination }) : full;
    }

    // Innermost first, so that an output that comes to nothing can take them away again.
    private static List<string> CreateParents(string parent)
    {
        var missing = new List<string>();
        for (var at = parent; at is not null && !Directory.Exists(at); at = Io.Path.GetDirectoryName(at))
            missing.Add(at);

        Directory.CreateDirectory(parent);
        return missing;
    }

    // The lock is held by the process that writes: whoever can take it finds the leavings of a killed run.
    private static void SweepStale(string parent, string name)
    {
        foreach (var stage in Directory.EnumerateDirectories(parent, $".{name}.*{Suffix}"))
        {
            try
            {
                var held = Io.Path.Combine(stage, LockName);
                if (File.Exists(held))
                    new FileStream(held, FileMode.Open, FileAccess.Write, FileShare.None).Dispose();

                Directory.Delete(stage, recursive: true);
            }
            catch (IOException)
            {
                // Another run is writing this very output: it is its own to finish.
            }
        }
    }
}
