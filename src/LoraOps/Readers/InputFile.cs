using LoraOps.Problems;

namespace LoraOps.Readers;

/// <summary>Opens files of strangers.</summary>
public static class InputFile
{
    /// <summary>Opens a file for reading; others may read it too, but not write.</summary>
    /// <exception cref="LoraOpsException">It is missing or cannot be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (file.CanSeek)
                return file;

            file.Dispose();
            throw new LoraOpsException(FileProblems.FileUnreadable(path, "it is a pipe or a device"));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LoraOpsException(FileProblems.FileMissing(path));
        }
        catch (UnauthorizedAccessException) when (Directory.Exists(path))
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, "it is a folder"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, error.Message));
        }
    }

    /// <summary>Reads a whole file of at most so many bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes that are read.</param>
    /// <param name="tooLarge">The problem of a longer file, from its length.</param>
    /// <exception cref="LoraOpsException">It is missing, cannot be read or is too large.</exception>
    public static byte[] ReadAll(string path, long limit, Func<long, Problem> tooLarge)
    {
        using var file = Open(path);
        if (file.Length > limit)
            throw new LoraOpsException(tooLarge(file.Length));

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
