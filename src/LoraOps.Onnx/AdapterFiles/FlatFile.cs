using LoraOps.Problems;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The structure of a FlatBuffers file (https://flatbuffers.dev/internals), every offset and length checked before it is followed: at
/// least as strict as the verifier that ONNX Runtime runs. Words are 4-byte aligned, vtables 2-byte; where elements begin is not checked,
/// because ONNX Runtime's own writer leaves data at 4.
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="bytes">Its content, at most 2 GiB.</param>
internal sealed class FlatFile(string path, PagedBytes bytes)
{
    private const int WordBytes = sizeof(int);
    private const int VtableHeaderBytes = 2 * sizeof(ushort);

    /// <summary>The content.</summary>
    public PagedBytes Bytes => bytes;

    /// <summary>The exception that says what is wrong with the structure.</summary>
    public LoraOpsException Damaged(string reason) => new(OnnxAdapterProblems.Damaged(path, reason));

    /// <summary>The place that the offset at a place leads to.</summary>
    public long Follow(long at, string what)
    {
        CheckWord(at, what);
        var offset = bytes.Int32(at);
        if (offset <= 0 || offset > bytes.Length - at - WordBytes)
            throw Damaged($"the offset of {what} leads out of the file");

        return at + offset;
    }

    /// <summary>The table at a place.</summary>
    public FlatTable Table(long at, string what)
    {
        CheckWord(at, what);
        var vtable = at - bytes.Int32(at);
        if (vtable % sizeof(ushort) != 0 || vtable < 0 || vtable > bytes.Length - VtableHeaderBytes)
            throw Damaged($"the field list of {what} lies outside of the file");

        int listed = bytes.UInt16(vtable);
        int length = bytes.UInt16(vtable + sizeof(ushort));
        if (listed < VtableHeaderBytes || listed % sizeof(ushort) != 0 || listed > bytes.Length - vtable)
            throw Damaged($"the field list of {what} is {listed} bytes long, which cannot be");

        if (length < WordBytes || length > bytes.Length - at)
            throw Damaged($"{what} is {length} bytes long and leaves the file");

        return new FlatTable(this, what, at, vtable + VtableHeaderBytes, (listed - VtableHeaderBytes) / sizeof(ushort), length);
    }

    /// <summary>The elements of the vector at a place.</summary>
    public (long Start, long Count) Vector(long at, string what, int elementBytes)
    {
        CheckWord(at, what);
        long count = (uint)bytes.Int32(at);
        var start = at + WordBytes;
        return count <= (bytes.Length - start) / elementBytes
            ? (start, count)
            : throw Damaged($"{what} has {count} elements and leaves the file");
    }

    private void CheckWord(long at, string what)
    {
        if (at % WordBytes != 0)
            throw Damaged($"{what} begins at byte {at}, which is no multiple of {WordBytes}");

        if (at > bytes.Length - WordBytes)
            throw Damaged($"{what} begins at byte {at} and leaves the file");
    }
}
