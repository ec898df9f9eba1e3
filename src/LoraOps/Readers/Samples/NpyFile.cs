using System.Buffers.Binary;
using System.Text;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>An array in NumPy's .npy format, versions 1 to 3 (numpy/lib/format.py).</summary>
public static class NpyFile
{
    // NumPy's own limit on a header that it evaluates.
    private const int MaxHeaderBytes = 10_000;
    private const int PrefixBytes = 8;

    /// <summary>Opens an array; its elements are read when asked for.</summary>
    /// <exception cref="LoraOpsException">The file is no .npy file, or holds an array that is not read.</exception>
    public static Tensor Open(string path, string name)
    {
        using var file = InputFile.Open(path);
        var prefix = new byte[PrefixBytes + sizeof(uint)];
        var count = file.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false);
        if (count < PrefixBytes + sizeof(ushort) || !IsMarked(prefix))
            throw new LoraOpsException(SampleProblems.NpyMagic(path));

        var (headerStart, headerBytes) = Extent(path, prefix);
        var limit = Math.Clamp(file.Length - headerStart, 0, MaxHeaderBytes);
        if (headerBytes > limit)
            throw new LoraOpsException(SampleProblems.NpyHeaderLimit(path, headerBytes, limit));

        var text = new byte[headerBytes];
        file.Position = headerStart;
        file.ReadExactly(text);
        var header = NpyHeader.Parse(path, (prefix[6] == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(text));
        var start = headerStart + headerBytes;
        CheckSize(path, header, file.Length - start);
        return new FileTensor(name, header.Type, header.Shape, path, start);
    }

    private static bool IsMarked(ReadOnlySpan<byte> prefix) => prefix[0] == 0x93 && prefix[1..6].SequenceEqual("NUMPY"u8);

    // Version 1 has two bytes of length, 2 and 3 have four.
    private static (int Start, long Length) Extent(string path, ReadOnlySpan<byte> prefix) => (prefix[6], prefix[7]) switch
    {
        (1, 0) => (PrefixBytes + sizeof(ushort), BinaryPrimitives.ReadUInt16LittleEndian(prefix[PrefixBytes..])),
        (2 or 3, 0) => (PrefixBytes + sizeof(uint), BinaryPrimitives.ReadUInt32LittleEndian(prefix[PrefixBytes..])),
        _ => throw new LoraOpsException(SampleProblems.NpyVersion(path, prefix[6], prefix[7])),
    };

    private static void CheckSize(string path, NpyHeader header, long found)
    {
        var expected = (UInt128)header.Shape.ElementCount * (uint)header.Type.Bits() / 8;
        if (expected != (UInt128)found)
            throw new LoraOpsException(SampleProblems.NpySizeMismatch(path, header.Shape.ToString(), $"{expected}", found));
    }
}
