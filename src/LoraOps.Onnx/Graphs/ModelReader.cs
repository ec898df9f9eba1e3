using Google.Protobuf;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>
/// Reads a model's message so that the bytes of its initializers are in memory once: the parser would take the whole file, and then copy them
/// out of it. What is not as every exporter writes it is left to the parser.
/// </summary>
internal static class ModelReader
{
    private const int GraphField = 7;
    private const int InitializerField = 5;
    private const int RawDataField = 9;

    /// <summary>Parses a file of at most 2 GiB.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is no such message.</exception>
    public static ModelProto Read(string path)
    {
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0))
        {
            if (file.CanSeek && TryRead(new WireReader(file), file.Length) is { } model)
                return model;
        }

        return ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
    }

    private static ModelProto? TryRead(WireReader reader, long length)
    {
        using var rest = new MemoryStream();
        using var graph = new MemoryStream();
        var initializers = new List<TensorProto>();
        var hasGraph = false;
        var isWhole = Walk(reader, length, rest, (field, end) =>
        {
            if (field != GraphField)
                return null;

            // The message may be in several pieces; one after the other they are one.
            hasGraph = true;
            return Walk(reader, end, graph, (inner, innerEnd) =>
                inner == InitializerField ? TryReadTensor(reader, innerEnd, initializers) : null);
        });
        if (!isWhole)
            return null;

        var model = Parse(ModelProto.Parser, rest);
        if (hasGraph)
        {
            model.Graph = Parse(GraphProto.Parser, graph);
            model.Graph.Initializer.AddRange(initializers);
        }

        return model;
    }

    private static bool TryReadTensor(WireReader reader, long end, List<TensorProto> initializers)
    {
        using var rest = new MemoryStream();
        byte[]? raw = null;
        var isWhole = Walk(reader, end, rest, (field, rawEnd) =>
        {
            if (field != RawDataField)
                return null;

            raw = new byte[rawEnd - reader.Position];
            return reader.TryRead(raw);
        });
        if (!isWhole)
            return false;

        var tensor = Parse(TensorProto.Parser, rest);
        if (raw is not null)
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(raw);

        initializers.Add(tensor);
        return true;
    }

    private static T Parse<T>(MessageParser<T> parser, MemoryStream bytes)
        where T : IMessage<T> => parser.ParseFrom(bytes.GetBuffer(), 0, (int)bytes.Length);

    /// <summary>Goes through the fields up to a position, and copies those that nobody takes.</summary>
    /// <param name="reader">Stands at the first field.</param>
    /// <param name="end">Where the message ends.</param>
    /// <param name="rest">Receives the others.</param>
    /// <param name="take">Reads a field of counted bytes up to its end and says whether that went well; null to leave it.</param>
    private static bool Walk(WireReader reader, long end, MemoryStream rest, Func<ulong, long, bool?> take)
    {
        while (reader.Position < end)
        {
            if (!reader.TryReadVarint(out var tag))
                return false;

            var isRead = (int)(tag & 7) switch
            {
                WireReader.Varint => TryCopyNumber(reader, tag, rest),
                WireReader.Fixed64 => TryCopy(reader, tag, null, sizeof(long), rest),
                WireReader.Fixed32 => TryCopy(reader, tag, null, sizeof(int), rest),
                WireReader.Counted => TryTake(reader, tag, end, rest, take),
                _ => false,
            };
            if (!isRead)
                return false;
        }

        return reader.Position == end;
    }

    private static bool TryTake(WireReader reader, ulong tag, long end, MemoryStream rest, Func<ulong, long, bool?> take)
    {
        if (!reader.TryReadVarint(out var length) || length > (ulong)Math.Max(0, end - reader.Position))
            return false;

        return take(tag >> 3, reader.Position + (long)length) ?? TryCopy(reader, tag, length, (int)length, rest);
    }

    private static bool TryCopyNumber(WireReader reader, ulong tag, MemoryStream rest)
    {
        if (!reader.TryReadVarint(out var number))
            return false;

        Write(rest, tag);
        Write(rest, number);
        return true;
    }

    private static bool TryCopy(WireReader reader, ulong tag, ulong? length, int count, MemoryStream rest)
    {
        Write(rest, tag);
        if (length is { } counted)
            Write(rest, counted);

        var at = (int)rest.Length;
        rest.SetLength(at + (long)count);
        rest.Position = rest.Length;
        return reader.TryRead(rest.GetBuffer().AsSpan(at, count));
    }

    private static void Write(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            stream.WriteByte((byte)(value | 0x80));

        stream.WriteByte((byte)value);
    }
}
