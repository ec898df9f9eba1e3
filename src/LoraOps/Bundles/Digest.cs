using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Bundles;

/// <summary>SHA-256 as 64 lower-case hexadecimal digits: the name that content has in manifests, sums and caches.</summary>
public static class Digest
{
    /// <summary>How many digits it has.</summary>
    public const int Length = 64;

    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789abcdef");

    /// <summary>The digest of bytes.</summary>
    public static string OfBytes(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The digest of a text in UTF-8.</summary>
    public static string OfText(string text) => OfBytes(Encoding.UTF8.GetBytes(text));

    /// <summary>The digest of a file.</summary>
    /// <exception cref="LoraOpsException">The file is missing or cannot be read.</exception>
    public static string OfFile(string path)
    {
        try
        {
            // Opening an empty entry could wait for ever: a pipe has length zero too.
            if (new FileInfo(path).Length == 0)
                return OfBytes([]);

            using var file = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (FileNotFoundException)
        {
            throw new LoraOpsException(FileProblems.FileMissing(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, failure.Message));
        }
    }

    /// <summary>The digest of a file, or of a folder: over the names and digests of its files and of those in folders of it, in ordinal order.</summary>
    /// <exception cref="LoraOpsException">It is missing or cannot be read.</exception>
    public static string OfPath(string path)
    {
        if (!Directory.Exists(path))
            return OfFile(path);

        var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(path, file).Replace('\\', '/')).Order(StringComparer.Ordinal);
        return OfText(Sums.Render(files.Select(name => new Sum(name, OfFile(Path.Combine(path, name))))));
    }

    /// <summary>True if the text is spelt as a digest.</summary>
    public static bool IsDigest(ReadOnlySpan<char> text) =>
        text.Length == Length && !text.ContainsAnyExcept(_digits);
}
