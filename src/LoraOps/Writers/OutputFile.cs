using LoraOps.Problems;
using Microsoft.Win32.SafeHandles;

namespace LoraOps.Writers;

/// <summary>The bytes of one output file, with every failure of the disk told as a problem.</summary>
public sealed class OutputFile : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private long _position;

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
            _file = File.OpenHandle(
                path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, preallocationSize: length);
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

    /// <summary>Copies a whole file; the system shares or moves the bytes without showing them to the process where it can.</summary>
    /// <param name="source">The file.</param>
    /// <param name="path">The copy, which must not exist.</param>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public static void Copy(string source, string path)
    {
        try
        {
            File.Copy(source, path);
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
        WriteAt(_position, bytes);
        _position += bytes.Length;
    }

    /// <summary>Writes bytes at a place; several threads may do so at once.</summary>
    /// <param name="offset">From the beginning of the file.</param>
    /// <param name="bytes">What to write.</param>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_file, bytes, offset);
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
