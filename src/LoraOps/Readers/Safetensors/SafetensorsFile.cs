using System.Buffers.Binary;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Safetensors;

/// <summary>
/// A safetensors file, completely checked, its tensors read by position when asked for.
/// Format: huggingface/safetensors README; the checks are those of the reference reader and more (duplicates, NUL, bounds).
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int LengthBytes = 8;
    private readonly FileStream _file;
    private readonly Dictionary<string, Tensor> _byName;
    private readonly int _headerBytes;

    private SafetensorsFile(string path, FileStream file, int headerBytes, Header header)
    {
        Path = path;
        _headerBytes = headerBytes;
        var dataStart = LengthBytes + headerBytes;
        var entries = LayoutCheck.Order(Path, header.Entries, file.Length - dataStart);
        _file = file;
        Tensors = [.. entries.Select(entry => new StoredTensor(entry, path, file.SafeFileHandle, dataStart + entry.Begin))];
        _byName = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Metadata = header.Metadata;
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>The tensors in the order of their bytes in the file. They end with <see cref="Dispose"/>.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>The text map <c>__metadata__</c>, sorted by key; empty if absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens and checks a file. Only the header is read.</summary>
    /// <exception cref="LoraOpsException">It is missing, unreadable or no valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = InputFile.Open(path);
            var header = ReadHeader(path, file);
            var opened = new SafetensorsFile(path, file, header.Length, HeaderParser.Parse(path, header));
            file = null;
            return opened;
        }
        catch (IOException error)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, error.Message));
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>The tensor of this name, or null.</summary>
    public Tensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The file's bytes before its data: the length and the header as they are, for a copy that keeps them.</summary>
    /// <exception cref="LoraOpsException">The file was shortened since it was checked, or cannot be read.</exception>
    public byte[] HeaderBytes()
    {
        var bytes = new byte[LengthBytes + _headerBytes];
        try
        {
            _file.Position = 0;
            _file.ReadExactly(bytes);
            return bytes;
        }
        catch (IOException error)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(Path, error.Message));
        }
    }

    /// <summary>Closes the file; its tensors throw from now on.</summary>
    public void Dispose() => _file.Dispose();

    private static byte[] ReadHeader(string path, FileStream file)
    {
        if (file.Length < LengthBytes)
            throw new LoraOpsException(SafetensorsProblems.TooShort(path, file.Length));

        Span<byte> prefix = stackalloc byte[LengthBytes];
        file.ReadExactly(prefix);
        var declared = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (declared > HeaderParser.MaxBytes)
            throw new LoraOpsException(SafetensorsProblems.HeaderLimit(path, declared, HeaderParser.MaxBytes));

        // Compared before anything of this size is allocated.
        if (declared > (ulong)(file.Length - LengthBytes))
            throw new LoraOpsException(SafetensorsProblems.HeaderPastEnd(path, declared, file.Length));

        var header = new byte[declared];
        file.ReadExactly(header);
        return header;
    }
}
