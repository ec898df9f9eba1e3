using LoraOps.Onnx.Graphs;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The element types of an <c>.onnx_adapter</c>: those that every ONNX Runtime since 1.20 loads. Its versions disagree on bool, strings and
/// 4-bit types, and double is nobody's adapter.
/// </summary>
internal static class AdapterElements
{
    private static readonly (ElementType Type, DataType Number)[] Pairs =
    [
        (ElementType.F32, DataType.Float),
        (ElementType.F16, DataType.Float16),
        (ElementType.BF16, DataType.Bfloat16),
        (ElementType.U8, DataType.Uint8),
        (ElementType.I8, DataType.Int8),
        (ElementType.U16, DataType.Uint16),
        (ElementType.I16, DataType.Int16),
        (ElementType.U32, DataType.Uint32),
        (ElementType.I32, DataType.Int32),
        (ElementType.U64, DataType.Uint64),
        (ElementType.I64, DataType.Int64),
        (ElementType.F8E4M3, DataType.Float8E4M3Fn),
        (ElementType.F8E4M3Fnuz, DataType.Float8E4M3Fnuz),
        (ElementType.F8E5M2, DataType.Float8E5M2),
        (ElementType.F8E5M2Fnuz, DataType.Float8E5M2Fnuz),
    ];

    /// <summary>The type of a number in the file, or null if it is not allowed there.</summary>
    public static ElementType? TypeOf(int number) =>
        Array.Exists(Pairs, pair => (int)pair.Number == number) ? OnnxTensor.TypeOf(number) : null;

    /// <summary>The number of a type in the file, or null if it is not allowed there.</summary>
    public static int? NumberOf(ElementType type) =>
        Array.FindIndex(Pairs, pair => pair.Type == type) is var at and >= 0 ? (int)Pairs[at].Number : null;
}
