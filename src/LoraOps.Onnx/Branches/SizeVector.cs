using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>One number of a computed shape: a constant, the length of a value along an axis, or neither known.</summary>
internal readonly record struct Size(long? Number, string? Value, int Axis)
{
    /// <summary>Nothing is known.</summary>
    public static Size Unknown => default;

    /// <summary>A constant.</summary>
    public static Size Of(long number) => new(number, null, 0);

    /// <summary>The length of a value along an axis.</summary>
    public static Size Of(string value, int axis) => new(null, value, axis);
}

/// <summary>What operators do to vectors of sizes; a scalar is a vector of one.</summary>
internal static class SizeVector
{
    private const int Longest = 64;

    /// <summary>The sizes that a node computes, or null if they are none that can be followed.</summary>
    public static IReadOnlyList<Size>? Of(BatchTrace trace, NodeProto node) => node.OpType switch
    {
        "Shape" => Shape(trace, node),
        "Concat" => Concat(trace, node),
        "Gather" => Gather(trace.Sizes(node.Input[0]), trace.Sizes(node.Input[1])),
        "Slice" => Slice(trace, node),
        "Unsqueeze" or "Squeeze" or "Identity" or "Cast" or "Reshape" => trace.Sizes(node.Input[0]),
        "Add" or "Sub" or "Mul" or "Div" => Arithmetic(node.OpType, trace.Sizes(node.Input[0]), trace.Sizes(node.Input[1])),
        _ => null,
    };

    /// <summary>The sizes that are stored, or null if a tensor is no short vector of int64.</summary>
    public static IReadOnlyList<Size>? Stored(OnnxModel model, TensorProto tensor) =>
        tensor.DataType == (int)TensorProto.Types.DataType.Int64 && tensor.Dims.Count <= 1 && tensor.Dims.All(dim => dim <= Longest)
            ? [.. model.Read(tensor).ToFloats().Select(number => Size.Of((long)number))]
            : null;

    private static List<Size>? Shape(BatchTrace trace, NodeProto node)
    {
        if (trace[node.Input[0]].Rank is not { } rank)
            return null;

        var all = Enumerable.Range(0, rank).Select(axis => Size.Of(node.Input[0], axis)).ToList();
        return Part(all, node.Integer("start", 0), node.Integer("end", rank));
    }

    private static IReadOnlyList<Size>? Concat(BatchTrace trace, NodeProto node)
    {
        var parts = node.Input.Select(trace.Sizes).ToList();
        return parts.TrueForAll(part => part is not null) ? [.. parts.SelectMany(part => part!)] : null;
    }

    private static IReadOnlyList<Size>? Gather(IReadOnlyList<Size>? data, IReadOnlyList<Size>? indices)
    {
        if (data is null || indices is null)
            return null;

        return [.. indices.Select(index => index.Number is { } at && (at < 0 ? at + data.Count : at) is var own && own >= 0 && own < data.Count
            ? data[(int)own]
            : Size.Unknown)];
    }

    private static List<Size>? Slice(BatchTrace trace, NodeProto node)
    {
        if (node.Input.Count < 3 || trace.Sizes(node.Input[0]) is not { } data || (node.Input.Count > 4 && trace.Sizes(node.Input[4]) is not [{ Number: 1 }]))
            return null;

        return trace.Sizes(node.Input[1]) is [{ Number: { } start }] && trace.Sizes(node.Input[2]) is [{ Number: { } end }]
            ? Part([.. data], start, end)
            : null;
    }

    private static List<Size> Part(List<Size> data, long start, long end)
    {
        var (from, to) = (Clamp(start, data.Count), Clamp(end, data.Count));
        return data.GetRange(from, Math.Max(0, to - from));
    }

    private static Size Arithmetic(string op, long? left, long? right) => (op, left, right) switch
    {
        (_, null, _) or (_, _, null) or ("Div", _, 0) => Size.Unknown,
        ("Add", { } a, { } b) => Size.Of(a + b),
        ("Sub", { } a, { } b) => Size.Of(a - b),
        ("Mul", { } a, { } b) => Size.Of(a * b),
        (_, { } a, { } b) => Size.Of(a / b),
    };

    private static int Clamp(long position, int length) => (int)Math.Clamp(position < 0 ? position + length : position, 0, length);

    private static IReadOnlyList<Size>? Arithmetic(string op, IReadOnlyList<Size>? left, IReadOnlyList<Size>? right)
    {
        if (left is null || right is null || (left.Count != right.Count && left.Count != 1 && right.Count != 1))
            return null;

        return [.. Enumerable.Range(0, Math.Max(left.Count, right.Count))
            .Select(at => Arithmetic(op, left[left.Count == 1 ? 0 : at].Number, right[right.Count == 1 ? 0 : at].Number))];
    }
}
