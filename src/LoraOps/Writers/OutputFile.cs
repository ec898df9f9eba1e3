using LoraOps.Problems;

namespace LoraOps.Writers;

/// <summary>The bytes of one output file, with every failure of the disk told as a problem.</summary>
public sealed class OutputFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;

    /// <summary>Creates a file that must not exist: one that is still mapped must never be shortened.</summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="length">How long it will be; the space is taken at once where the system can.</param>
    /// <exception cref="LoraOpsException">It exists, or cannot be created.</exception>
    public OutputFile(string path, long length)
    {
        _path = path;
        if (File.Exists(path))
            throw new LoraOpsException(OutputProblems.OutputExists(path));

        try
        {
            _file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                PreallocationSize = length,
            });
        }
        catch (IOException) when (!HasSpace(path, length))
        {
            // Taking the space in advance fails with no error number of its own.
            throw new LoraOpsException(OutputProblems.DiskFull(StagedOutput.FinalPath(path)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Translate(path, error);
        }
    }

    /// <summary>What a failed write means.</summary>
    public static LoraOpsException Translate(string path, Exception error) => new(
        OutputProblems.IsDiskFull(error)
            ? OutputProblems.DiskFull(StagedOutput.FinalPath(path))
            : OutputProblems.OutputUnwritable(StagedOutput.FinalPath(path), error.Message));

    /// <summary>Appends bytes.</summary>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file.Write(bytes);
        }
        catch (IOException error)
        {
            throw Translate(_path, error);
        }
    }

    /// <summary>Hands everything to the system and closes the file.</summary>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public void Finish()
    {
        try
        {
            _file.Dispose();
        }
        catch (IOException error)
        {
            throw Translate(_path, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static bool HasSpace(string path, long length) =>
        new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace >= length;
}
