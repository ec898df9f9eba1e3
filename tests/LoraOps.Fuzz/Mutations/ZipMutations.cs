using System.Buffers.Binary;
using System.IO.Compression;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes to a .bin: fields of the zip's directory, or opcodes of the pickle inside, packed again so that sums fit.</summary>
public static class ZipMutations
{
    private const int LocalHeader = 0x04034B50;
    private const int DirectoryEntry = 0x02014B50;
    private const int DirectoryEnd = 0x06054B50;
    private const int MostRecord = 46;

    private static readonly byte[] Opcodes =
        [.. "(.012FGIJKLMNPQRSTUVX]_abcdeghijloqrstu}\u0080\u0081\u0082\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008e\u0093\u0094\u0095"
            .Select(c => (byte)c)];

    /// <summary>A changed copy.</summary>
    public static byte[] Mutate(byte[] bytes, byte[] other, Random random)
    {
        if (random.Next(3) == 0)
            return WithField(bytes, random) ?? ByteMutations.Mutate(bytes, other, random);

        try
        {
            return Packed(bytes, random);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or ArgumentException or NotSupportedException)
        {
            return ByteMutations.Mutate(bytes, other, random);
        }
    }

    private static byte[]? WithField(byte[] bytes, Random random)
    {
        var records = Enumerable.Range(0, Math.Max(0, bytes.Length - MostRecord))
            .Where(at => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at)) is LocalHeader or DirectoryEntry or DirectoryEnd)
            .ToList();
        if (records.Count == 0)
            return null;

        var copy = bytes.ToArray();
        var field = copy.AsSpan(records[random.Next(records.Count)] + random.Next(4, MostRecord - sizeof(uint)));
        var value = ByteMutations.Interesting(BinaryPrimitives.ReadUInt32LittleEndian(field), random);
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteUInt16LittleEndian(field, unchecked((ushort)value));
        else
            BinaryPrimitives.WriteUInt32LittleEndian(field, unchecked((uint)value));

        return copy;
    }

    private static byte[] Packed(byte[] bytes, Random random)
    {
        using var target = new MemoryStream();
        using (var source = new ZipArchive(new MemoryStream(bytes), ZipArchiveMode.Read))
        using (var packed = new ZipArchive(target, ZipArchiveMode.Create))
        {
            var chosen = random.Next(Math.Max(1, source.Entries.Count));
            var level = random.Next(8) == 0 ? CompressionLevel.Optimal : CompressionLevel.NoCompression;
            foreach (var (index, entry) in source.Entries.Where(entry => entry.Length < 1 << 20).Index())
            {
                using var stream = entry.Open();
                using var content = new MemoryStream();
                stream.CopyTo(content);
                var isPickle = entry.FullName.EndsWith(".pkl", StringComparison.Ordinal);
                var data = content.ToArray();
                if (isPickle && random.Next(4) > 0)
                    data = Pickle(data, random);
                else if (index == chosen)
                    data = ByteMutations.Mutate(data, [], random);

                using var written = packed.CreateEntry(entry.FullName, level).Open();
                written.Write(data);
            }
        }

        return target.ToArray();
    }

    private static byte[] Pickle(byte[] data, Random random)
    {
        if (data.Length == 0)
            return data;

        var copy = data.ToArray();
        var at = random.Next(copy.Length);
        var opcode = Opcodes[random.Next(Opcodes.Length)];
        switch (random.Next(4))
        {
            case 0:
                return [.. copy[..at], opcode, .. copy[at..]];
            case 1:
                return ByteMutations.Mutate(copy, [opcode], random);
            default:
                // At an opcode of the file, where there is one: most bytes are names.
                var places = Enumerable.Range(0, copy.Length)
                    .Where(place => System.Array.IndexOf(Opcodes, copy[place]) >= 0 && copy[place] is < 0x61 or > 0x7A).ToArray();
                copy[places.Length > 0 ? places[random.Next(places.Length)] : at] = opcode;
                return copy;
        }
    }
}
