using System.Text;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The layout <see cref="OnnxAdapterLayout.Streaming"/>: offset, mark, one field list for all tables, the adapter, its parameters, their
/// dimensions and names, then the data.
/// </summary>
internal static class StreamingPlan
{
    private const int Word = sizeof(int);
    private const int FieldList = 8;
    private const int Root = FieldList + 12;
    private const int TableBytes = 5 * Word;
    private const int List = Root + TableBytes;
    private const int DataAlignment = 64;

    /// <summary>Places everything.</summary>
    public static AdapterFilePlan Of(OnnxAdapter adapter)
    {
        var parameters = adapter.Parameters;
        var tables = List + Word + (Word * parameters.Count);
        var tablesEnd = tables + ((long)TableBytes * parameters.Count);
        var dims = Place(parameters, tablesEnd, DimsAt, (at, parameter) => at + Word + (sizeof(long) * parameter.Shape.Rank));
        var names = Place(parameters, dims[^1], at => at, (at, parameter) => RoundUp(at + Word + Encoding.UTF8.GetByteCount(parameter.Name) + 1, Word));
        var data = Place(parameters, names[^1], DataAt, (at, parameter) => at + Word + parameter.ByteLength);
        var pieces = new List<FilePiece> { new(0, Head(adapter, tables, dims, names, data)) };
        foreach (var (i, parameter) in parameters.Index())
        {
            pieces.Add(new FilePiece(data[i], Words((int)parameter.ByteLength)));
            pieces.Add(new FilePiece(data[i] + Word, [], parameter));
        }

        return new AdapterFilePlan(RoundUp(data[^1], Word), pieces);
    }

    // Where each parameter's part begins, and at last where all of them end.
    private static long[] Place(IReadOnlyList<Tensor> parameters, long from, Func<long, long> align, Func<long, Tensor, long> end)
    {
        var places = new long[parameters.Count + 1];
        var at = from;
        foreach (var (i, parameter) in parameters.Index())
        {
            places[i] = align(at);
            at = end(places[i], parameter);
        }

        places[^1] = at;
        return places;
    }

    private static byte[] Head(OnnxAdapter adapter, int tables, long[] dims, long[] names, long[] data) => FlatParts.Bytes(writer =>
    {
        writer.Write(Root);
        writer.Write(AdapterSchema.Identifier);
        foreach (ushort entry in new[] { 12, TableBytes, 4, 8, 12, 16 })
            writer.Write(entry);

        writer.Write(Words(Root - FieldList, AdapterSchema.FormatVersion, adapter.AdapterVersion, adapter.ModelVersion, Word));
        writer.Write(adapter.Parameters.Count);
        for (var i = 0; i < adapter.Parameters.Count; i++)
            writer.Write(tables - List + ((TableBytes - Word) * i) - Word);

        foreach (var (i, parameter) in adapter.Parameters.Index())
        {
            var at = tables + (TableBytes * i);
            writer.Write(Words(
                at - FieldList,
                (int)names[i] - (at + Word),
                (int)dims[i] - (at + (2 * Word)),
                AdapterElements.NumberOf(parameter.Type)!.Value,
                (int)(data[i] - (at + (4 * Word)))));
        }

        foreach (var (i, parameter) in adapter.Parameters.Index())
        {
            writer.BaseStream.Position = dims[i];
            writer.WriteDims(parameter);
        }

        foreach (var (i, parameter) in adapter.Parameters.Index())
        {
            writer.BaseStream.Position = names[i];
            writer.WriteName(parameter);
        }
    });

    private static byte[] Words(params int[] values)
    {
        var bytes = new byte[Word * values.Length];
        for (var i = 0; i < values.Length; i++)
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Word * i), values[i]);

        return bytes;
    }

    // The length stands before elements of 8 bytes.
    private static long DimsAt(long at) => RoundUp(at + Word, sizeof(long)) - Word;

    private static long DataAt(long at) => RoundUp(at + Word, DataAlignment) - Word;

    private static long RoundUp(long at, long to) => (at + to - 1) / to * to;
}
