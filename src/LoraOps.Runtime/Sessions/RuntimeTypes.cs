using LoraOps.Problems;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LoraOps.Runtime.Sessions;

/// <summary>Element types and messages of ONNX Runtime in our own words.</summary>
internal static class RuntimeTypes
{
    private static readonly (ElementType Ours, TensorElementType Theirs)[] Pairs =
    [
        (ElementType.Bool, TensorElementType.Bool),
        (ElementType.U8, TensorElementType.UInt8),
        (ElementType.I8, TensorElementType.Int8),
        (ElementType.U16, TensorElementType.UInt16),
        (ElementType.I16, TensorElementType.Int16),
        (ElementType.U32, TensorElementType.UInt32),
        (ElementType.I32, TensorElementType.Int32),
        (ElementType.U64, TensorElementType.UInt64),
        (ElementType.I64, TensorElementType.Int64),
        (ElementType.F16, TensorElementType.Float16),
        (ElementType.BF16, TensorElementType.BFloat16),
        (ElementType.F32, TensorElementType.Float),
        (ElementType.F64, TensorElementType.Double),
    ];

    public static ElementType? From(TensorElementType type) => Array.FindIndex(Pairs, pair => pair.Theirs == type) is var at and >= 0
        ? Pairs[at].Ours
        : null;

    public static bool Knows(ElementType type) => Array.Exists(Pairs, pair => pair.Ours == type);

    public static TensorElementType To(ElementType type) => Array.Find(Pairs, pair => pair.Ours == type).Theirs;

    public static Port ToPort(string model, string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor)
            throw new LoraOpsException(RunProblems.PortNotTensor(model, name, $"no tensor but {Words(metadata.OnnxValueType)}"));

        var type = From(metadata.ElementDataType)
            ?? throw new LoraOpsException(RunProblems.PortNotTensor(model, name, $"a tensor of {metadata.ElementDataType}"));
        var dims = metadata.Dimensions.Zip(
            metadata.SymbolicDimensions, (size, symbol) => new PortDim(size < 0 ? null : size, symbol ?? ""));
        return new Port(name, type, [.. dims]);
    }

    /// <summary>The runtime's own message in one line, without the error code's prefix.</summary>
    public static string Reason(OnnxRuntimeException error)
    {
        var text = string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var end = text.StartsWith("[ErrorCode:", StringComparison.Ordinal) ? text.IndexOf(']', StringComparison.Ordinal) : -1;
        return text[(end + 1)..].Trim();
    }

    private static string Words(OnnxValueType type) => type switch
    {
        OnnxValueType.ONNX_TYPE_SEQUENCE => "a sequence",
        OnnxValueType.ONNX_TYPE_MAP => "a map",
        OnnxValueType.ONNX_TYPE_OPTIONAL => "an optional value",
        _ => "a sparse tensor",
    };
}
