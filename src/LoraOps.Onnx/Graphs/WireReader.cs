namespace LoraOps.Onnx.Graphs;

/// <summary>Reads the fields of a protobuf message from a stream, without an opinion on what they mean (protobuf.dev, "Encoding").</summary>
internal sealed class WireReader(Stream stream)
{
    /// <summary>A number of up to ten bytes.</summary>
    public const int Varint = 0;

    /// <summary>Eight bytes.</summary>
    public const int Fixed64 = 1;

    /// <summary>A length and so many bytes.</summary>
    public const int Counted = 2;

    /// <summary>Four bytes.</summary>
    public const int Fixed32 = 5;

    private const int MostVarintBytes = 10;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _at;
    private int _end;

    /// <summary>How many bytes have been read.</summary>
    public long Position { get; private set; }

    /// <summary>Reads a number; false at the end of the stream, or if it has too many bytes.</summary>
    public bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < MostVarintBytes; i++)
        {
            if (_at == _end && !Fill())
                return false;

            var next = _buffer[_at++];
            Position++;
            value |= (ulong)(next & 0x7f) << (7 * i);
            if (next < 0x80)
                return true;
        }

        return false;
    }

    /// <summary>Reads exactly so many bytes; false at the end of the stream.</summary>
    public bool TryRead(Span<byte> destination)
    {
        Position += destination.Length;
        var ready = Math.Min(destination.Length, _end - _at);
        _buffer.AsSpan(_at, ready).CopyTo(destination);
        _at += ready;
        return stream.ReadAtLeast(destination[ready..], destination.Length - ready, throwOnEndOfStream: false) == destination.Length - ready;
    }

    private bool Fill()
    {
        (_at, _end) = (0, stream.Read(_buffer));
        return _end > 0;
    }
}
