using System.Globalization;
using System.Text;
using LoraOps.Problems;
using LoraOps.Tensors;
using static LoraOps.Onnx.AdapterFiles.AdapterSchema;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>Makes a parameter's tensor from its name, type, shape and the place of its bytes.</summary>
internal delegate Tensor StoredParameter(string name, ElementType type, TensorShape shape, long start);

/// <summary>Reads one <c>.onnx_adapter</c> completely but for its data.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="bytes">Its content.</param>
/// <param name="store">Makes the parameters.</param>
internal sealed class AdapterFileReader(string path, PagedBytes bytes, StoredParameter store)
{
    private const int MostProblems = 16;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly FlatFile _file = new(path, bytes);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<Problem> _problems = [];

    /// <summary>Checks everything and gives what is there.</summary>
    /// <exception cref="LoraOpsException">Something is wrong: the damage, or every parameter that is.</exception>
    public OnnxAdapter Read()
    {
        CheckKind();
        var root = _file.Table(_file.Follow(0, "the adapter"), "the adapter");
        if (root.Int32(FormatVersionField, "format_version") is var version and not FormatVersion)
        {
            throw new LoraOpsException(OnnxAdapterProblems.NotOnnxAdapter(path, string.Create(
                CultureInfo.InvariantCulture, $"its format version is {version}, known is {FormatVersion}")));
        }

        var parameters = ReadParameters(root);
        return new OnnxAdapter(parameters)
        {
            AdapterVersion = root.Int32(AdapterVersionField, "adapter_version"),
            ModelVersion = root.Int32(ModelVersionField, "model_version"),
        };
    }

    private void CheckKind()
    {
        Span<byte> mark = stackalloc byte[4];
        if (bytes.Length <= 2 * sizeof(int))
            throw new LoraOpsException(OnnxAdapterProblems.NotOnnxAdapter(path, $"it is {bytes.Length} bytes long"));

        bytes.Read(sizeof(int), mark);
        if (!mark.SequenceEqual(Identifier))
            throw new LoraOpsException(OnnxAdapterProblems.NotOnnxAdapter(path, "it does not carry the mark TORT at byte 4"));

        // FlatBuffers pads what it writes: so a file that lost no more than its padding is seen, too.
        if (bytes.Length % sizeof(int) != 0)
            throw _file.Damaged($"the file is {bytes.Length} bytes long, which is no multiple of 4: it was cut off");

        if (bytes.Length >= LengthLimit)
            throw new LoraOpsException(OnnxAdapterProblems.TooLarge(path, $"is {bytes.Length} bytes long; the format ends at 2 GiB"));
    }

    private List<Tensor> ReadParameters(FlatTable root)
    {
        var (start, count) = root.Vector(ParametersField, "parameters", sizeof(int))
            ?? throw _file.Damaged("the adapter has no list of parameters");
        if (count > MostParameters)
            throw new LoraOpsException(OnnxAdapterProblems.TooLarge(path, $"has {count} parameters; at most {MostParameters} can be loaded"));

        var parameters = new List<Tensor>();
        for (var i = 0; i < count && _problems.Count < MostProblems; i++)
        {
            var what = string.Create(CultureInfo.InvariantCulture, $"parameter {i}");
            if (ReadParameter(_file.Table(_file.Follow(start + (i * sizeof(int)), what), what)) is { } parameter)
                parameters.Add(parameter);
        }

        return _problems.Count == 0 ? parameters : throw new LoraOpsException(_problems);
    }

    private Tensor? ReadParameter(FlatTable table)
    {
        var name = ReadName(table);
        var dims = ReadDims(table, name);
        var number = table.Int32(DataTypeField, "data_type");
        var data = table.Vector(RawDataField, "raw_data", 1) ?? throw _file.Damaged($"{table.What} has no raw_data");
        if (name is null || dims is null)
            return null;

        if (AdapterElements.TypeOf(number) is not { } type)
            return Refuse(name, string.Create(CultureInfo.InvariantCulture, $"has data type {number}, which an adapter cannot carry"));

        var size = UInt128.One;
        foreach (var dim in dims)
            size *= (ulong)Math.Max(1, dim);

        // Also where a dimension is 0: ONNX Runtime multiplies before it sees that.
        if (Array.Exists(dims, dim => dim is < 0 or > (long)int.MaxValue) || size * (uint)type.Bits() / 8 > int.MaxValue)
            return Refuse(name, $"has dimensions [{string.Join(", ", dims)}], which are negative or too large");

        var shape = new TensorShape(dims);
        var needed = shape.ElementCount * type.Bits() / 8;
        return needed == data.Count
            ? store(name, type, shape, data.Start)
            : Refuse(name, $"has {data.Count} bytes, its dimensions {shape} of {type.Name()} need {needed}");
    }

    private string? ReadName(FlatTable table)
    {
        var (start, length) = table.Vector(NameField, "name", 1) ?? throw _file.Damaged($"{table.What} has no name");
        Span<byte> end = stackalloc byte[1];
        if (start + length == bytes.Length)
            throw _file.Damaged($"the name of {table.What} has no end");

        bytes.Read(start + length, end);
        if (end[0] != 0)
            throw _file.Damaged($"the name of {table.What} has no end");

        if (length is 0 or > MostNameBytes)
            return RefuseName($"at place {table.What[10..]}", $"has a name of {length} bytes; 1 to {MostNameBytes} are allowed");

        var text = new byte[length];
        bytes.Read(start, text);
        return Decode(text) is not { } name || name.Contains('\0', StringComparison.Ordinal)
            ? RefuseName($"at place {table.What[10..]}", "has a name that is no text in UTF-8")
            : _names.Add(name) ? name : RefuseName($"'{name}'", "is there twice");
    }

    private long[]? ReadDims(FlatTable table, string? name)
    {
        var (start, count) = table.Vector(DimsField, "dims", sizeof(long)) ?? (0, 0);
        if (count is 0 or > MostDims)
        {
            Refuse(name ?? table.What, $"has {count} dimensions; 1 to {MostDims} are allowed");
            return null;
        }

        var dims = new long[count];
        for (var i = 0; i < count; i++)
            dims[i] = bytes.Int64(start + (i * sizeof(long)));

        return dims;
    }

    private Tensor? Refuse(string name, string reason)
    {
        _problems.Add(OnnxAdapterProblems.ParameterInvalid(path, name, reason));
        return null;
    }

    private string? RefuseName(string parameter, string reason)
    {
        _problems.Add(OnnxAdapterProblems.ParameterName(path, parameter, reason));
        return null;
    }

    private static string? Decode(byte[] text)
    {
        try
        {
            return StrictUtf8.GetString(text);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
