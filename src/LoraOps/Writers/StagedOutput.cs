using LoraOps.Problems;

namespace LoraOps.Writers;

/// <summary>
/// An output that appears whole or not at all: it is written beside its destination and renamed when complete.
/// A killed run leaves a hidden <c>.NAME.*.partial</c> folder at worst, which the next run for that destination removes.
/// </summary>
public sealed class StagedOutput : IDisposable
{
    private const string Suffix = ".partial";
    private readonly string _stage;
    private readonly FileStream _lock;
    private bool _done;

    private StagedOutput(string destination, bool isFolder)
    {
        Destination = destination;
        var parent = System.IO.Path.GetDirectoryName(destination)!;
        Directory.CreateDirectory(parent);
        SweepStale(parent, System.IO.Path.GetFileName(destination));
        _stage = System.IO.Path.Combine(
            parent, $".{System.IO.Path.GetFileName(destination)}.{System.IO.Path.GetRandomFileName()}{Suffix}");
        Directory.CreateDirectory(_stage);
        _lock = new FileStream(System.IO.Path.Combine(_stage, "lock"), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        Path = System.IO.Path.Combine(_stage, System.IO.Path.GetFileName(destination));
        if (isFolder)
            Directory.CreateDirectory(Path);
    }

    /// <summary>Where the output will be, as a full path.</summary>
    public string Destination { get; }

    /// <summary>Where to write it until <see cref="Commit"/>: a file to create, or a folder that exists.</summary>
    public string Path { get; }

    /// <summary>Stages one file.</summary>
    /// <exception cref="LoraOpsException">The destination exists and may not be overwritten.</exception>
    public static StagedOutput ForFile(string destination, bool overwrite) =>
        new(Checked(destination, overwrite), isFolder: false);

    /// <summary>Stages a folder.</summary>
    /// <exception cref="LoraOpsException">The destination exists, is not an empty folder, and may not be overwritten.</exception>
    public static StagedOutput ForFolder(string destination, bool overwrite) =>
        new(Checked(destination, overwrite), isFolder: true);

    /// <summary>The problem that writing to this destination would meet, or null; for planning.</summary>
    public static Problem? Obstacle(string destination, bool overwrite)
    {
        var exists = File.Exists(destination) ||
            (Directory.Exists(destination) && Directory.EnumerateFileSystemEntries(destination).Any());
        return exists && !overwrite ? OutputProblems.OutputExists(destination) : null;
    }

    /// <summary>Puts the finished output in its place.</summary>
    public void Commit()
    {
        var aside = System.IO.Path.Combine(_stage, "replaced");
        if (File.Exists(Path))
        {
            if (Directory.Exists(Destination))
                Directory.Move(Destination, aside);

            File.Move(Path, Destination, overwrite: true);
        }
        else
        {
            if (File.Exists(Destination))
                File.Move(Destination, aside);
            else if (Directory.Exists(Destination))
                Directory.Move(Destination, aside);

            Directory.Move(Path, Destination);
        }

        Discard();
    }

    /// <summary>Removes what was staged unless it was committed.</summary>
    public void Dispose() => Discard();

    private void Discard()
    {
        if (_done)
            return;

        _done = true;
        _lock.Dispose();
        Directory.Delete(_stage, recursive: true);
    }

    private static string Checked(string destination, bool overwrite)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(destination));
        return Obstacle(full, overwrite) is { } problem ? throw new LoraOpsException(problem with { Where = destination }) : full;
    }

    // The lock is held by the process that writes: whoever can take it finds the leavings of a killed run.
    private static void SweepStale(string parent, string name)
    {
        foreach (var stage in Directory.EnumerateDirectories(parent, $".{name}.*{Suffix}"))
        {
            try
            {
                var held = System.IO.Path.Combine(stage, "lock");
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
