using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>Tells operators that keep every sample in its row from those that drop, reorder or add rows.</summary>
internal static class SampleCuts
{
    /// <summary>True unless a Slice takes the whole batch in its order.</summary>
    public static bool IsCut(BatchTrace trace, NodeProto node, BatchLayout layout)
    {
        var (starts, ends) = (Numbers(trace, node, "starts", 1), Numbers(trace, node, "ends", 2));
        var count = starts?.Count ?? ends?.Count ?? 0;
        var axes = HasAxes(node) ? Numbers(trace, node, "axes", 3) : count == 0 ? null : [.. Enumerable.Range(0, count).Select(axis => (long?)axis)];
        var steps = node.InputAt(4).Length == 0 ? null : trace.Sizes(node.InputAt(4)) ?? [];
        return axes is null || axes.Index().Any(axis => IsSamples(layout, axis.Item)
            && !(At(starts, axis.Index) == 0 && At(ends, axis.Index) >= int.MaxValue && (steps is null || At(steps, axis.Index) == 1)));
    }

    /// <summary>True if a Pad is known to add rows.</summary>
    public static bool IsPadded(BatchTrace trace, NodeProto node, BatchLayout layout)
    {
        if (Numbers(trace, node, "pads", 1) is not { } pads || layout.Axis is null)
            return false;

        var half = pads.Count / 2;
        var axes = node.InputAt(3).Length == 0 ? [.. Enumerable.Range(0, half).Select(axis => (long?)axis)] : Numbers(trace, node, "axes", 3);
        return axes is null || axes.Index().Any(axis => IsSamples(layout, axis.Item) && (At(pads, axis.Index) != 0 || At(pads, axis.Index + half) != 0));
    }

    private static bool HasAxes(NodeProto node) => node.InputAt(3).Length > 0 || node.Integers("axes").Count > 0;

    private static bool IsSamples(BatchLayout layout, long? axis) =>
        axis is not { } known || BatchRules.Position(layout, known) is not { } position || position == layout.Axis;

    private static long? At(IReadOnlyList<long?>? numbers, int index) => numbers is not null && index < numbers.Count ? numbers[index] : null;

    private static long? At(IReadOnlyList<Size> sizes, int index) => index < sizes.Count ? sizes[index].Number : null;

    // An attribute before opset 10, an input since.
    private static IReadOnlyList<long?>? Numbers(BatchTrace trace, NodeProto node, string name, int input) =>
        node.Integers(name) is { Count: > 0 } own ? [.. own.Select(number => (long?)number)]
        : trace.Sizes(node.InputAt(input)) is { } sizes ? [.. sizes.Select(size => size.Number)]
        : null;
}
