using LoraOps.Onnx.Graphs;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The element types of an <c>.onnx_adapter</c>: those that every ONNX Runtime since 1.20 loads. Its versions disagree on bool, strings and
/// 4-bit types, and double is nobody's adapter.
/// </summary>
internal static class AdapterElements
{
    private static readonly HashSet<ElementType> _allowed =
    [
        ElementType.F32, ElementType.F16, ElementType.BF16,
        ElementType.U8, ElementType.I8, ElementType.U16, ElementType.I16, ElementType.U32, ElementType.I32, ElementType.U64, ElementType.I64,
        ElementType.F8E4M3, ElementType.F8E4M3Fnuz, ElementType.F8E5M2, ElementType.F8E5M2Fnuz,
    ];

    /// <summary>The type of a number in the file, or null if it is not allowed there.</summary>
    public static ElementType? TypeOf(int number) => OnnxTensor.TypeOf(number) is { } type && _allowed.Contains(type) ? type : null;

    /// <summary>The number of a type in the file, or null if it is not allowed there.</summary>
    public static int? NumberOf(ElementType type) => _allowed.Contains(type) ? (int)OnnxTensor.DataTypeOf(type) : null;
}
