using System.Buffers.Binary;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Readers.TorchPickle;

/// <summary>Where an entry's bytes lie in the archive.</summary>
/// <param name="Start">The first byte in the file.</param>
/// <param name="Length">How many.</param>
internal readonly record struct ArchiveRange(long Start, long Length);

/// <summary>
/// The entries of a zip archive as PyTorch writes it: stored, not encrypted, each name once. Only the central directory counts
/// (PKWARE APPNOTE 6.3, with zip64); nothing is ever inflated.
/// </summary>
internal sealed class ArchiveEntries
{
    private const int LocalBytes = 30;
    private const int CentralBytes = 46;
    private const uint LocalMark = 0x04034b50;
    private const uint CentralMark = 0x02014b50;
    private const int MostDirectoryBytes = 256 << 20;
    private const int EncryptedFlags = 0x2041;
    private const ushort Zip64Field = 1;
    private readonly Dictionary<string, (long Header, long Length)> _entries = new(StringComparer.Ordinal);
    private readonly FileStream _file;
    private readonly string _path;
    private readonly ArchiveEnd _end;

    private ArchiveEntries(string path, FileStream file)
    {
        (_path, _file) = (path, file);
        _end = ArchiveEnd.Find(path, file);
        ReadDirectory();
    }

    /// <summary>The names, in the order of the directory.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>Reads the directory of an open file.</summary>
    /// <exception cref="LoraOpsException">It is no such archive.</exception>
    public static ArchiveEntries Read(string path, FileStream file) => new(path, file);

    /// <summary>The place of an entry, or null if there is none.</summary>
    /// <exception cref="LoraOpsException">Its own header contradicts the directory.</exception>
    public ArchiveRange? Find(string name)
    {
        if (!_entries.TryGetValue(name, out var entry))
            return null;

        var nameBytes = Encoding.UTF8.GetBytes(name);
        var header = new byte[LocalBytes + nameBytes.Length];
        if (entry.Header > _end.DirectoryStart - header.Length)
            throw Invalid($"places entry '{name}' at byte {entry.Header}, past its data");

        _file.Position = entry.Header;
        _file.ReadExactly(header);
        var isSame = BinaryPrimitives.ReadUInt32LittleEndian(header) == LocalMark &&
            (Number(header, 6) & EncryptedFlags) == 0 && Number(header, 8) == 0 &&
            Number(header, 26) == nameBytes.Length && header.AsSpan(LocalBytes).SequenceEqual(nameBytes);
        var start = entry.Header + header.Length + Number(header, 28);
        if (!isSame || start > _end.DirectoryStart || entry.Length > _end.DirectoryStart - start)
            throw Invalid($"has an entry '{name}' whose own header contradicts the directory");

        return new ArchiveRange(start, entry.Length);
    }

    private static ushort Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private LoraOpsException Invalid(string reason) => new(TorchProblems.ArchiveInvalid(_path, reason));

    private void ReadDirectory()
    {
        if (_end.DirectoryLength > MostDirectoryBytes)
            throw Invalid($"has a directory of {_end.DirectoryLength} bytes; at most {MostDirectoryBytes} are allowed");

        var bytes = new byte[_end.DirectoryLength];
        _file.Position = _end.DirectoryStart;
        _file.ReadExactly(bytes);
        var at = 0;
        for (long count = 0; count < _end.Count; count++)
        {
            var rest = bytes.AsSpan(at);
            if (rest.Length < CentralBytes || BinaryPrimitives.ReadUInt32LittleEndian(rest) != CentralMark)
                throw Invalid($"has a directory that ends after {count} of {_end.Count} entries");

            var length = CentralBytes + Number(rest, 28) + Number(rest, 30) + Number(rest, 32);
            if (rest.Length < length)
                throw Invalid($"has a directory that ends inside entry {count}");

            AddEntry(rest[..length]);
            at += length;
        }
    }

    private void AddEntry(ReadOnlySpan<byte> entry)
    {
        var nameLength = Number(entry, 28);
        var name = Encoding.UTF8.GetString(entry.Slice(CentralBytes, nameLength));
        if ((Number(entry, 8) & EncryptedFlags) != 0)
            throw Invalid($"has an encrypted entry '{TorchProblems.Shown(name)}'");

        if (Number(entry, 10) != 0)
            throw Invalid($"has a compressed entry '{TorchProblems.Shown(name)}'; PyTorch stores them as they are");

        var extra = entry.Slice(CentralBytes + nameLength, Number(entry, 30));
        var length = Wide(extra, entry, 24);
        var (packed, header) = (Wide(extra, entry, 20), Wide(extra, entry, 42));
        if (length < 0 || packed != length || header < 0)
            throw Invalid($"has an entry '{TorchProblems.Shown(name)}' of impossible sizes");

        if (!_entries.TryAdd(name, (header, length)))
            throw Invalid($"has two entries '{TorchProblems.Shown(name)}'");
    }

    // Sizes that do not fit 32 bits stand in the zip64 field, in this order and only those: length, packed length, offset.
    private static long Wide(ReadOnlySpan<byte> extra, ReadOnlySpan<byte> entry, int at)
    {
        var value = BinaryPrimitives.ReadUInt32LittleEndian(entry[at..]);
        if (value != uint.MaxValue)
            return value;

        var before = 0;
        foreach (var earlier in (ReadOnlySpan<int>)[24, 20, 42])
        {
            if (earlier == at)
                break;

            before += BinaryPrimitives.ReadUInt32LittleEndian(entry[earlier..]) == uint.MaxValue ? sizeof(long) : 0;
        }

        while (extra.Length >= 4)
        {
            var length = Math.Min(Number(extra, 2), extra.Length - 4);
            if (Number(extra, 0) == Zip64Field)
                return length >= before + sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(extra[(4 + before)..]) : -1;

            extra = extra[(4 + length)..];
        }

        return -1;
    }
}
