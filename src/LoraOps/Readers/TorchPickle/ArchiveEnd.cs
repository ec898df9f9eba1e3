using System.Buffers.Binary;
using LoraOps.Problems;

namespace LoraOps.Readers.TorchPickle;

/// <summary>The record at the end of a zip archive, or the wider one before it.</summary>
/// <param name="DirectoryStart">Where the central directory begins.</param>
/// <param name="DirectoryLength">Its bytes.</param>
/// <param name="Count">How many entries it has.</param>
internal sealed record ArchiveEnd(long DirectoryStart, long DirectoryLength, long Count)
{
    private const int EndBytes = 22;
    private const int WideBytes = 56;
    private const int LocatorBytes = 20;
    private const int SmallestEntry = 46;
    private const uint EndMark = 0x06054b50;
    private const uint LocatorMark = 0x07064b50;
    private const uint WideMark = 0x06064b50;

    /// <summary>Finds and checks the record; sizes are compared with the file before they are used.</summary>
    /// <exception cref="LoraOpsException">There is none, or it contradicts the file.</exception>
    public static ArchiveEnd Find(string path, FileStream file)
    {
        var length = (int)Math.Min(file.Length, EndBytes + ushort.MaxValue);
        var tail = new byte[length];
        file.Position = file.Length - length;
        file.ReadExactly(tail);
        for (var at = length - EndBytes; at >= 0; at--)
        {
            var end = tail.AsSpan(at);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) == EndMark && Number(end, 20) == end.Length - EndBytes)
                return Checked(path, file, end, file.Length - length + at);
        }

        throw new LoraOpsException(TorchProblems.ArchiveInvalid(path, "ends without a zip directory: it is cut off or no zip archive"));
    }

    private static ushort Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static ArchiveEnd Checked(string path, FileStream file, ReadOnlySpan<byte> end, long position)
    {
        var (count, length, start) = (
            Number(end, 10), BinaryPrimitives.ReadUInt32LittleEndian(end[12..]), BinaryPrimitives.ReadUInt32LittleEndian(end[16..]));
        var isWide = count == ushort.MaxValue || length == uint.MaxValue || start == uint.MaxValue;
        var isWhole = Number(end, 4) is 0 or ushort.MaxValue && Number(end, 6) is 0 or ushort.MaxValue && Number(end, 8) == count;
        var found = isWide ? Wide(file, ref position) : new ArchiveEnd(start, length, count);
        return isWhole && found is { Count: >= 0, DirectoryLength: >= 0, DirectoryStart: >= 0 } &&
            found.DirectoryStart <= position && found.DirectoryLength <= position - found.DirectoryStart &&
            found.Count <= found.DirectoryLength / SmallestEntry
            ? found
            : throw new LoraOpsException(TorchProblems.ArchiveInvalid(path, "has a zip directory that does not fit the file"));
    }

    private static ArchiveEnd? Wide(FileStream file, ref long position)
    {
        var locator = new byte[LocatorBytes];
        if (position < LocatorBytes + WideBytes)
            return null;

        file.Position = position - LocatorBytes;
        file.ReadExactly(locator);
        var start = BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8));
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != LocatorMark || start < 0 || start > position - LocatorBytes - WideBytes)
            return null;

        var record = new byte[WideBytes];
        file.Position = start;
        file.ReadExactly(record);
        position = start;
        return BinaryPrimitives.ReadUInt32LittleEndian(record) != WideMark ? null : new ArchiveEnd(
            BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(48)),
            BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(40)),
            BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(32)));
    }
}
