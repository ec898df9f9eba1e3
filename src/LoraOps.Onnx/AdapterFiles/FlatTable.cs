namespace LoraOps.Onnx.AdapterFiles;

/// <summary>One table of a FlatBuffers file, whose vtable and extent are checked.</summary>
/// <param name="File">The file.</param>
/// <param name="What">What the table is, for messages.</param>
/// <param name="Start">Where it begins.</param>
/// <param name="Fields">Where its vtable's entries begin.</param>
/// <param name="Count">How many entries the vtable has.</param>
/// <param name="Length">How many bytes the table has.</param>
internal readonly record struct FlatTable(FlatFile File, string What, long Start, long Fields, int Count, int Length)
{
    private const int WordBytes = sizeof(int);

    /// <summary>A number; 0 if the table leaves it out.</summary>
    public int Int32(int field, string name) => Place(field, name) is { } place ? File.Bytes.Int32(place) : 0;

    /// <summary>The elements of a vector or string, or null if the table leaves it out.</summary>
    public (long Start, long Count)? Vector(int field, string name, int elementBytes) =>
        Place(field, name) is { } place ? File.Vector(File.Follow(place, $"{name} of {What}"), $"{name} of {What}", elementBytes) : null;

    // All fields of this schema are one word long.
    private long? Place(int field, string name)
    {
        if (field >= Count)
            return null;

        int offset = File.Bytes.UInt16(Fields + (field * sizeof(ushort)));
        if (offset == 0)
            return null;

        return offset >= WordBytes && offset % WordBytes == 0 && offset <= Length - WordBytes
            ? Start + offset
            : throw File.Damaged($"{name} of {What} lies outside of its table");
    }
}
