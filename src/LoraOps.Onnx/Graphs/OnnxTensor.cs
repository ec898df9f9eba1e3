using System.Runtime.InteropServices;
using Google.Protobuf;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Graphs;

/// <summary>TensorProto as a <see cref="Tensor"/>, whichever of its fields holds the elements, and back.</summary>
public static class OnnxTensor
{
    private static readonly DataType[] _dataTypes = Enum.GetValues<DataType>();

    /// <summary>The element type, or null for strings, complex128 and 4-bit types.</summary>
    public static ElementType? TypeOf(int dataType) => (DataType)dataType switch
    {
        DataType.Float => ElementType.F32,
        DataType.Uint8 => ElementType.U8,
        DataType.Int8 => ElementType.I8,
        DataType.Uint16 => ElementType.U16,
        DataType.Int16 => ElementType.I16,
        DataType.Int32 => ElementType.I32,
        DataType.Int64 => ElementType.I64,
        DataType.Bool => ElementType.Bool,
        DataType.Float16 => ElementType.F16,
        DataType.Double => ElementType.F64,
        DataType.Uint32 => ElementType.U32,
        DataType.Uint64 => ElementType.U64,
        DataType.Complex64 => ElementType.C64,
        DataType.Bfloat16 => ElementType.BF16,
        DataType.Float8E4M3Fn => ElementType.F8E4M3,
        DataType.Float8E4M3Fnuz => ElementType.F8E4M3Fnuz,
        DataType.Float8E5M2 => ElementType.F8E5M2,
        DataType.Float8E5M2Fnuz => ElementType.F8E5M2Fnuz,
        _ => null,
    };

    /// <summary>The format's number of an element type.</summary>
    /// <exception cref="ArgumentException">The format has none.</exception>
    public static DataType DataTypeOf(ElementType type) => Array.Find(_dataTypes, known => TypeOf((int)known) == type) is var found
        && found != DataType.Undefined ? found : throw new ArgumentException($"ONNX has no {type}.", nameof(type));

    /// <summary>A new initializer with raw elements.</summary>
    public static TensorProto Create(string name, DataType type, ReadOnlySpan<long> dims, ReadOnlySpan<byte> bytes)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        foreach (var dim in dims)
            tensor.Dims.Add(dim);

        return tensor;
    }

    /// <summary>A new initializer of floats that are rounded once to its type.</summary>
    public static TensorProto Create(string name, ElementType type, ReadOnlySpan<long> dims, ReadOnlySpan<float> values)
    {
        var bytes = new byte[checked(values.Length * (type.Bits() / 8))];
        ElementCodec.Encode(type, values, bytes);
        return Create(name, DataTypeOf(type), dims, bytes);
    }

    /// <summary>A new float32 initializer.</summary>
    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<float> values) =>
        Create(name, DataType.Float, dims, MemoryMarshal.AsBytes(values));

    /// <summary>Refuses dimensions that are negative or too large, and bytes that do not fit them; types that LoraOps does not read pass.</summary>
    internal static void Check(TensorProto tensor, string modelPath)
    {
        if (TypeOf(tensor.DataType) is null)
            return;

        if (ExternalData.IsExternal(tensor))
            ExternalData.Locate(tensor, modelPath);
        else if (tensor.HasRawData)
            Read(tensor, modelPath);
        else
            ByteLength(tensor, modelPath);
    }

    internal static Tensor Read(TensorProto tensor, string modelPath)
    {
        var needed = ByteLength(tensor, modelPath);
        var type = TypeOf(tensor.DataType)!.Value;
        var shape = new TensorShape([.. tensor.Dims]);
        if (ExternalData.IsExternal(tensor))
        {
            var range = ExternalData.Locate(tensor, modelPath);
            return new FileTensor(tensor.Name, type, shape, range.File, range.Offset);
        }

        var bytes = Bytes(tensor);
        return bytes.Length == needed
            ? new BufferTensor(tensor.Name, type, shape, bytes)
            : throw new LoraOpsException(OnnxProblems.TensorInvalid(
                modelPath, tensor.Name, $"has {bytes.Length} bytes, its dimensions {shape} of {type.Name()} need {needed}"));
    }

    /// <summary>The bytes that the dimensions and the type ask for.</summary>
    internal static long ByteLength(TensorProto tensor, string modelPath)
    {
        if (TypeOf(tensor.DataType) is not { } type)
            throw new LoraOpsException(OnnxProblems.TensorInvalid(
                modelPath, tensor.Name, $"has data type {tensor.DataType}, which is not a plain numeric one"));

        return TensorShape.TryCount([.. tensor.Dims], out var count) && count <= long.MaxValue / type.Bits()
            ? count * type.Bits() / 8
            : throw new LoraOpsException(OnnxProblems.TensorInvalid(modelPath, tensor.Name, "has dimensions that are negative or too large"));
    }

    /// <summary>About how many bytes a tensor takes in the message, whichever of its fields holds the elements.</summary>
    internal static long InlineBytes(TensorProto tensor) => tensor.RawData.Length
        + (sizeof(float) * (long)tensor.FloatData.Count) + (sizeof(double) * ((long)tensor.DoubleData.Count + tensor.Int64Data.Count + tensor.Uint64Data.Count))
        + (sizeof(int) * (long)tensor.Int32Data.Count);

    /// <summary>Makes the raw field the only one that holds elements; null leaves none.</summary>
    internal static void SetRaw(TensorProto tensor, byte[]? bytes)
    {
        tensor.FloatData.Clear();
        tensor.Int32Data.Clear();
        tensor.Int64Data.Clear();
        tensor.DoubleData.Clear();
        tensor.Uint64Data.Clear();
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();
        tensor.ClearRawData();
        if (bytes is not null)
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static ReadOnlyMemory<byte> Bytes(TensorProto tensor)
    {
        if (tensor.HasRawData)
            return tensor.RawData.Memory;

        return (DataType)tensor.DataType switch
        {
            DataType.Float or DataType.Complex64 => AsBytes([.. tensor.FloatData]),
            DataType.Double => AsBytes([.. tensor.DoubleData]),
            DataType.Int64 => AsBytes([.. tensor.Int64Data]),
            DataType.Uint64 => AsBytes([.. tensor.Uint64Data]),
            DataType.Uint32 => AsBytes([.. tensor.Uint64Data.Select(value => (uint)value)]),
            DataType.Int32 => AsBytes([.. tensor.Int32Data]),
            DataType.Float16 or DataType.Bfloat16 or DataType.Int16 or DataType.Uint16 =>
                AsBytes([.. tensor.Int32Data.Select(value => (ushort)value)]),
            _ => AsBytes([.. tensor.Int32Data.Select(value => (byte)value)]),
        };
    }

    private static byte[] AsBytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
