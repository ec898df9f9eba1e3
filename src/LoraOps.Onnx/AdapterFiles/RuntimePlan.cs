using System.Text;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The layout <see cref="OnnxAdapterLayout.Runtime"/>. A FlatBuffers builder writes from the end to the beginning, so places are distances
/// from the end of the file: each parameter's name, dimensions, data and table, then the list of the tables, the adapter, and the head.
/// </summary>
internal sealed class RuntimePlan
{
    private const int Word = sizeof(int);
    private const int TableBytes = 5 * Word;
    private static readonly ushort[] Fields = [12, TableBytes, 4, 8, 12, 16];
    private readonly OnnxAdapter _adapter;
    private readonly Placed[] _placed;

    // How much of the file, from its end, is placed; and where the field list of the parameters begins.
    private long _size;
    private long _fields;

    private RuntimePlan(OnnxAdapter adapter)
    {
        _adapter = adapter;
        _placed = [.. adapter.Parameters.Select(Place)];
    }

    /// <summary>Places everything.</summary>
    public static AdapterFilePlan Of(OnnxAdapter adapter) => new RuntimePlan(adapter).Plan();

    private Placed Place(Tensor parameter)
    {
        var name = Grow(Encoding.UTF8.GetByteCount(parameter.Name) + 1, Word);
        var dims = Grow(sizeof(long) * (long)parameter.Shape.Rank, sizeof(long));
        var data = Grow(parameter.ByteLength, Word);
        var table = _size += TableBytes;
        if (_fields == 0)
            _fields = _size += Fields.Length * sizeof(ushort);

        return new Placed(name, dims, data, table);
    }

    // Some bytes that begin at a multiple, and the word of their length before them.
    private long Grow(long bytes, int alignment)
    {
        _size = (_size + bytes + alignment - 1) / alignment * alignment;
        return _size += Word;
    }

    private AdapterFilePlan Plan()
    {
        var parameters = _adapter.Parameters;
        var list = _size += Word + ((long)Word * parameters.Count);

        // Numbers that are 0 are left out; with both there, the adapter has the field list of the parameters.
        int[] versions = [AdapterSchema.FormatVersion, .. new[] { _adapter.AdapterVersion, _adapter.ModelVersion }.Where(version => version != 0)];
        var root = _size += (versions.Length + 2) * Word;
        var isShared = versions.Length == 3 && parameters.Count > 0;
        var fields = isShared ? _fields : _size += Fields.Length * sizeof(ushort);
        var alignment = parameters.Count > 0 ? sizeof(long) : Word;
        var length = (_size + (2 * Word) + alignment - 1) / alignment * alignment;

        List<FilePiece> pieces =
        [
            new(0, Head(length - root)),
            new(length - (isShared ? root : fields), Root(isShared, versions, fields - root, root - list)),
            new(length - list, List(list)),
        ];
        for (var i = parameters.Count - 1; i >= 0; i--)
        {
            pieces.Add(new FilePiece(length - (i == 0 ? _fields : _placed[i].Table), Table(i)));
            pieces.Add(new FilePiece(length - _placed[i].Data + Word, [], parameters[i]));
            var parameter = parameters[i];
            pieces.Add(new FilePiece(length - _placed[i].Dims, FlatParts.Bytes(writer => writer.WriteDims(parameter))));
            pieces.Add(new FilePiece(length - _placed[i].Name, FlatParts.Bytes(writer => writer.WriteName(parameter))));
        }

        return new AdapterFilePlan(length, pieces);
    }

    private static byte[] Head(long root) => FlatParts.Bytes(writer =>
    {
        writer.Write((int)root);
        writer.Write(AdapterSchema.Identifier);
    });

    private byte[] Root(bool isShared, int[] versions, long toFields, long toList) => FlatParts.Bytes(writer =>
    {
        if (!isShared)
        {
            var adapter = _adapter.AdapterVersion == 0 ? 0 : 2 * Word;
            var model = _adapter.ModelVersion == 0 ? 0 : versions.Length * Word;
            foreach (var entry in new[] { Fields[0], (versions.Length + 2) * Word, Word, adapter, model, (versions.Length + 1) * Word })
                writer.Write((ushort)entry);
        }

        writer.Write((int)toFields);
        foreach (var version in versions)
            writer.Write(version);

        writer.Write((int)(toList - ((versions.Length + 1) * Word)));
    });

    private byte[] List(long list) => FlatParts.Bytes(writer =>
    {
        writer.Write(_placed.Length);
        foreach (var (i, placed) in _placed.Index())
            writer.Write((int)(list - (Word * (i + 1L)) - placed.Table));
    });

    private byte[] Table(int index) => FlatParts.Bytes(writer =>
    {
        var placed = _placed[index];
        foreach (var entry in index == 0 ? Fields : [])
            writer.Write(entry);

        writer.Write((int)(_fields - placed.Table));
        writer.Write((int)(placed.Table - Word - placed.Name));
        writer.Write((int)(placed.Table - (2 * Word) - placed.Dims));
        writer.Write(AdapterElements.NumberOf(_adapter.Parameters[index].Type)!.Value);
        writer.Write((int)(placed.Table - (4 * Word) - placed.Data));
        writer.Write((int)_adapter.Parameters[index].ByteLength);
    });

    private readonly record struct Placed(long Name, long Dims, long Data, long Table);
}
