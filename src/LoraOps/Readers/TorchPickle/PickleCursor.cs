using System.Buffers.Binary;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Readers.TorchPickle;

/// <summary>Reads the arguments of opcodes; every length is compared with what is left before it is used.</summary>
internal sealed class PickleCursor(string path, byte[] bytes)
{
    private const int LongestText = 1 << 16;
    private const int LongestName = 256;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private int _at;

    /// <summary>The next byte's place, for messages.</summary>
    public int Position => _at;

    /// <summary>True if nothing is left.</summary>
    public bool IsAtEnd => _at == bytes.Length;

    public byte Byte() => Take(1)[0];

    public long UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public long Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    /// <summary>The one number of the format that is stored with its high byte first.</summary>
    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>A two's complement number of a length in one byte.</summary>
    public long Long()
    {
        var number = Take(Byte());
        if (number.Length > sizeof(long))
            throw Invalid($"holds an integer of {number.Length} bytes; at most {sizeof(long)} are allowed");

        Span<byte> wide = stackalloc byte[sizeof(long)];
        wide.Fill(number.Length > 0 && number[^1] >= 0x80 ? (byte)0xFF : (byte)0);
        number.CopyTo(wide);
        return BinaryPrimitives.ReadInt64LittleEndian(wide);
    }

    /// <summary>Text of this many bytes.</summary>
    public string Text(long length)
    {
        if (length > LongestText)
            throw Invalid($"holds a text of {length} bytes; at most {LongestText} are allowed");

        try
        {
            return Strict.GetString(Take((int)length));
        }
        catch (DecoderFallbackException)
        {
            throw Invalid("holds a text that is not UTF-8");
        }
    }

    /// <summary>Text that ends with its line.</summary>
    public string Line()
    {
        var length = bytes.AsSpan(_at).IndexOf((byte)'\n');
        if (length is < 0 or > LongestName)
            throw Invalid("names something without an end");

        var line = Encoding.Latin1.GetString(Take(length));
        _at++;
        return line;
    }

    /// <summary>What is thrown for a stream that means nothing.</summary>
    public LoraOpsException Invalid(string reason) => new(TorchProblems.PickleInvalid(path, _at, reason));

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > bytes.Length - _at)
            throw Invalid($"ends {length - (bytes.Length - _at)} bytes too early");

        _at += length;
        return bytes.AsSpan(_at - length, length);
    }
}
