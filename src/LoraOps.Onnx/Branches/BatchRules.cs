using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>What each operator does to the batch axis.</summary>
internal static class BatchRules
{
    private static readonly HashSet<string> _alongFirst = new(StringComparer.Ordinal)
    {
        "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "PRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf", "Gelu", "Mish", "Softplus", "Softsign",
        "Exp", "Log", "Sqrt", "Reciprocal", "Neg", "Abs", "Not", "Sign", "Floor", "Ceil", "Round", "Sin", "Cos", "Clip", "Cast", "CastLike", "Identity",
        "Dropout", "Softmax", "LogSoftmax", "LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization", "BatchNormalization",
        "InstanceNormalization", "GroupNormalization", "QuantizeLinear", "DequantizeLinear", "Trilu", "CumSum", "LpNormalization", "IsNaN", "IsInf",
        "BiasGelu", "FastGelu", "QuickGelu", "RotaryEmbedding",
    };

    private static readonly HashSet<string> _images = new(StringComparer.Ordinal)
    {
        "Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "Resize", "Upsample", "Pad", "LRN",
        "DepthToSpace", "SpaceToDepth", "Slice", "Split", "FusedConv", "ReorderInput", "ReorderOutput",
    };

    private static readonly HashSet<string> _elementwise = new(StringComparer.Ordinal)
    {
        "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "Where", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
        "And", "Or", "Xor", "BitShift",
    };

    private static readonly HashSet<string> _shapes = new(StringComparer.Ordinal)
    {
        "Shape", "Size", "ConstantOfShape", "Range", "EyeLike", "RandomNormal", "RandomUniform",
    };

    /// <summary>The layout of a node's outputs.</summary>
    public static BatchLayout Apply(BatchTrace trace, NodeProto node)
    {
        var first = trace[node.InputAt(0)];
        return node.OpType switch
        {
            // What a subgraph reads from around it is no input of its node.
            _ when GraphWalk.Subgraphs(node).Any() => BatchLayout.Unknown,
            _ when _shapes.Contains(node.OpType) || node.OpType == "Constant" => BatchLayout.Shared(SharedRanks.Of(trace, node)),
            "Expand" => Expand(trace, first, node.InputAt(1)),
            _ when node.Input.All(input => trace[input].IsShared) => BatchLayout.Shared(SharedRanks.Of(trace, node)),
            "SkipLayerNormalization" or "SkipSimplifiedLayerNormalization" => Elementwise([first, trace[node.InputAt(1)]]),
            _ when first.IsShared && (_alongFirst.Contains(node.OpType) || _images.Contains(node.OpType)) => BatchLayout.Unknown,
            "Slice" => SampleCuts.IsCut(trace, node, first) ? BatchLayout.Unknown : first,
            "Split" => Position(first, node.Integer("axis", 0)) == first.Axis ? BatchLayout.Unknown : first,
            "Pad" => SampleCuts.IsPadded(trace, node, first) ? BatchLayout.Unknown : first,
            _ when _alongFirst.Contains(node.OpType) || _images.Contains(node.OpType) => first,
            _ when _elementwise.Contains(node.OpType) => Elementwise(node.Input.Select(input => trace[input])),
            "Concat" => Concat(trace, node),
            "MatMul" or "FusedMatMul" => MatMul(first, trace[node.InputAt(1)]),
            "Gemm" or "FusedGemm" => first.IsSampled && node.Integer("transA", 0) == 0 ? first with { Rank = 2 } : BatchLayout.Unknown,
            "Transpose" => Transpose(first, node.Integers("perm")),
            "Reshape" => Reshape(trace, first, node),
            "Flatten" => first is { Axis: 0 } ? first with { Rank = 2, IsFlat = first.IsFlat || node.Integer("axis", 1) != 1 } : BatchLayout.Unknown,
            "Gather" => Gather(first, trace[node.InputAt(1)], node.Integer("axis", 0)),
            "Unsqueeze" => Unsqueeze(trace, first, node),
            "Squeeze" => Squeeze(trace, first, node),
            _ when node.OpType.StartsWith("Reduce", StringComparison.Ordinal) => Reduce(trace, first, node),
            _ => BatchLayout.Unknown,
        };
    }

    /// <summary>True for operators that treat every element by itself and broadcast.</summary>
    public static bool IsElementwise(string op) => _elementwise.Contains(op);

    /// <summary>An axis counted from the front; null if it is counted from the end of an unknown rank.</summary>
    public static long? Position(BatchLayout layout, long axis) => axis < 0 ? axis + layout.Rank : axis;

    /// <summary>The axes of a node, from its attribute or its second input; null if they are not known.</summary>
    public static IReadOnlyList<long>? Axes(BatchTrace trace, NodeProto node) =>
        node.Integers("axes") is { Count: > 0 } axes ? axes
        : trace.Sizes(node.InputAt(1)) is { } sizes && sizes.All(size => size.Number is not null) ? [.. sizes.Select(size => size.Number!.Value)]
        : null;

    // Broadcasting lines dimensions up at the end.
    private static BatchLayout Elementwise(IEnumerable<BatchLayout> inputs)
    {
        var all = inputs.ToList();
        var sampled = all.Where(layout => layout.IsSampled).ToList();
        if (sampled.Count == 0)
            return BatchLayout.Unknown;

        // What is shared may have more dimensions than the samples' value and move their axis; beside three or more that is no case of any exporter.
        if (all.Exists(layout => layout is { IsShared: true, Rank: null }) && !sampled.Exists(layout => layout.Rank > 2))
            return BatchLayout.Unknown;

        all.RemoveAll(layout => layout is { IsShared: true, Rank: null });
        if (all.Exists(layout => layout.Rank is null))
            return sampled.TrueForAll(layout => layout == sampled[0]) ? sampled[0] : BatchLayout.Unknown;

        var rank = all.Max(layout => layout.Rank!.Value);
        var axes = sampled.Select(layout => layout.Axis + rank - layout.Rank).Distinct().ToList();
        return axes is [{ } axis] ? new BatchLayout(rank, axis) { IsFlat = sampled.Exists(layout => layout.IsFlat) } : BatchLayout.Unknown;
    }

    private static BatchLayout Concat(BatchTrace trace, NodeProto node)
    {
        var inputs = node.Input.Select(input => trace[input]).ToList();
        if (inputs.Find(layout => layout.IsSampled) is not { IsSampled: true, Axis: { } axis } sampled)
            return BatchLayout.Unknown;

        var along = Position(sampled, node.Integer("axis", 0));
        var isTorn = along is null || along == axis || inputs.Exists(layout => layout.IsSampled && layout.Axis != axis);
        return isTorn ? BatchLayout.Unknown : sampled with { IsFlat = inputs.Exists(layout => layout.IsFlat) };
    }

    private static BatchLayout MatMul(BatchLayout left, BatchLayout right)
    {
        if (left.Rank is not { } a || right.Rank is not { } b)
            return left is { IsSampled: true, Axis: 0 } && right is { IsShared: true, Rank: <= 2 } ? left with { Rank = null } : BatchLayout.Unknown;

        var rank = Math.Max(a, b);
        var isInner = left.Axis == a - 1 || (right.IsSampled && right.Axis >= b - 2);
        if (isInner)
            return BatchLayout.Unknown;

        List<int?> axes = [left.IsSampled ? left.Axis + rank - a : null, right.IsSampled ? right.Axis + rank - b : null];
        return axes.Distinct().Where(axis => axis is not null).ToList() is [{ } axis]
            ? new BatchLayout(rank, axis) { IsFlat = left.IsFlat || right.IsFlat }
            : BatchLayout.Unknown;
    }

    private static BatchLayout Transpose(BatchLayout layout, IReadOnlyList<long> perm)
    {
        if (layout.Axis is not { } axis || layout.IsFlat || !perm.Contains(axis))
            return layout with { Axis = null, IsFlat = false };

        var at = perm.Index().First(pair => pair.Item == axis).Index;
        return new BatchLayout(perm.Count, at);
    }

    private static BatchLayout Reshape(BatchTrace trace, BatchLayout layout, NodeProto node)
    {
        var sizes = trace.Sizes(node.InputAt(1));
        if (layout.Axis == 0)
            return new BatchLayout(sizes?.Count, 0) { IsFlat = !KeepsSamples(trace, layout, node.InputAt(0), sizes) };

        // [sequence, batch, …] keeps its samples where the first two dimensions are copied.
        return layout.Axis == 1 && sizes is [{ Number: 0 }, { Number: 0 }, ..] ? new BatchLayout(sizes.Count, 1) : BatchLayout.Unknown;
    }

    private static bool KeepsSamples(BatchTrace trace, BatchLayout layout, string value, IReadOnlyList<Size>? sizes) => sizes switch
    {
        [{ Number: 0 }, ..] => !layout.IsFlat,
        [{ Number: -1 }, ..] => !layout.IsFlat && sizes.Count == layout.Rank
            && sizes.Index().Skip(1).All(size => size.Item.Number == 0 || size.Item == Size.Of(value, size.Index)),
        [var first, ..] => trace.IsBatch(first),
        _ => false,
    };

    private static BatchLayout Expand(BatchTrace trace, BatchLayout layout, string shape)
    {
        var sizes = trace.Sizes(shape);
        if (layout.IsShared)
        {
            var at = sizes?.Index().Where(size => trace.IsBatch(size.Item)).Select(size => size.Index).ToList() ?? [];
            var rank = sizes is null || layout.Rank is null ? null : (int?)Math.Max(sizes.Count, layout.Rank.Value);
            return at.Count == 0 ? BatchLayout.Shared(rank) : at[0] == 0 || at.Count == 1 ? new BatchLayout(rank, at[0]) : BatchLayout.Unknown;
        }

        return Elementwise([layout, BatchLayout.Shared(sizes?.Count)]);
    }

    private static BatchLayout Gather(BatchLayout data, BatchLayout indices, long along)
    {
        if (data.IsShared)
            return new BatchLayout(data.Rank + indices.Rank - 1, indices.Axis + (int?)Position(data, along)) { IsFlat = indices.IsFlat };

        if (data.Axis is not { } axis || data.Rank is not { } rank || indices.Rank is not { } taken || !indices.IsShared)
            return BatchLayout.Unknown;

        along = along < 0 ? along + rank : along;
        return along == axis ? BatchLayout.Unknown : new BatchLayout(rank - 1 + taken, along > axis ? axis : axis - 1 + taken) { IsFlat = data.IsFlat };
    }

    private static BatchLayout Unsqueeze(BatchTrace trace, BatchLayout layout, NodeProto node)
    {
        if (layout.Axis is not { } axis || layout.Rank is not { } rank || Axes(trace, node) is not { } axes)
            return BatchLayout.Unknown;

        foreach (var inserted in axes.Select(at => at < 0 ? at + rank + axes.Count : at).Order())
            axis += inserted <= axis ? 1 : 0;

        return layout with { Rank = rank + axes.Count, Axis = axis };
    }

    private static BatchLayout Squeeze(BatchTrace trace, BatchLayout layout, NodeProto node)
    {
        if (layout.Axis is not { } axis || layout.Rank is not { } rank || Axes(trace, node) is not { } axes)
            return BatchLayout.Unknown;

        var removed = axes.Select(at => at < 0 ? at + rank : at).ToList();
        return removed.Contains(axis) ? BatchLayout.Unknown : layout with { Rank = rank - removed.Count, Axis = axis - removed.Count(at => at < axis) };
    }

    private static BatchLayout Reduce(BatchTrace trace, BatchLayout layout, NodeProto node)
    {
        if (layout.Rank is not { } rank || Axes(trace, node) is not { } axes || axes.Any(at => (at < 0 ? at + rank : at) == layout.Axis))
            return BatchLayout.Unknown;

        return node.Integer("keepdims", 1) == 1 ? layout : Squeeze(trace, layout, node);
    }
}
