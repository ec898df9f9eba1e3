using System.Buffers.Binary;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// Small little-endian numbers at any place of a file, with a bounded part of it in memory: the tables of an adapter file may lie between
/// gigabytes of data. Whoever asks has checked that the place is inside.
/// </summary>
/// <param name="source">The bytes of the file.</param>
internal sealed class PagedBytes(Tensor source)
{
    private const int PageBytes = 1 << 14;
    private const int Pages = 16;
    private readonly byte[]?[] _pages = new byte[Pages][];
    private readonly long[] _numbers = [.. Enumerable.Repeat(-1L, Pages)];
    private readonly long[] _used = new long[Pages];
    private long _reads;

    /// <summary>How many there are.</summary>
    public long Length => source.ByteLength;

    /// <summary>An unsigned 16-bit number.</summary>
    public ushort UInt16(long at)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        Read(at, bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    /// <summary>A signed 32-bit number.</summary>
    public int Int32(long at)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        Read(at, bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    /// <summary>A signed 64-bit number.</summary>
    public long Int64(long at)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        Read(at, bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    /// <summary>Some bytes.</summary>
    public void Read(long at, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var inPage = (int)(at % PageBytes);
            var part = Page(at / PageBytes).AsSpan(inPage, Math.Min(destination.Length, PageBytes - inPage));
            part.CopyTo(destination);
            destination = destination[part.Length..];
            at += part.Length;
        }
    }

    // The tables, names and lengths of one parameter lie in a handful of places that move on together: the page unused for longest goes.
    private byte[] Page(long number)
    {
        var slot = Array.IndexOf(_numbers, number);
        if (slot < 0)
        {
            slot = Array.IndexOf(_used, _used.Min());
            var page = _pages[slot] ??= new byte[PageBytes];
            var start = number * PageBytes;

            // Until it is filled it holds nothing: the read may fail.
            _numbers[slot] = -1;
            source.ReadBytes(start, page.AsSpan(0, (int)Math.Min(PageBytes, Length - start)));
            _numbers[slot] = number;
        }

        _used[slot] = ++_reads;
        return _pages[slot]!;
    }
}
