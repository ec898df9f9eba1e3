using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Graphs;

/// <summary>
/// Raises a model's opset. Between 13 and 21 most operators only learnt more types; those that changed their form are rewritten (Reduce…, Split,
/// RoiAlign, GridSample), those whose meaning changed are refused. From the operators' change logs (onnx/docs/Changelog.md).
/// </summary>
public static class OpsetRaising
{
    private const long Newest = 21;
    private const long FourBitIr = 10;

    private static readonly string[] _reductions =
    [
        "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare",
    ];

    // What the operator computes, or what its attributes mean, is not the same on both sides of the version.
    private static readonly (string Op, long Version, string Why)[] _changed =
    [
        ("DFT", 20, "DFT takes its axis from an input since opset 20"),
        ("GroupNormalization", 21, "GroupNormalization scales channels, not groups, since opset 21"),
        ("Upsample", 10, "Upsample is gone since opset 10"),
        ("Scatter", 11, "Scatter is gone since opset 11"),
    ];

    /// <summary>Raises the model in place; nothing happens to one that is new enough.</summary>
    /// <param name="model">The model, opset 13 or newer.</param>
    /// <param name="opset">The version that is needed, at most 21.</param>
    /// <exception cref="LoraOpsException">An operator changed its meaning on the way.</exception>
    public static void To(OnnxModel model, long opset)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(opset, Newest);
        var found = model.Opset();
        if (found >= opset)
            return;

        var reasons = Reasons(model, found, opset);
        if (reasons.Count > 0)
            throw new LoraOpsException(SchemeProblems.OpsetNotRaisable(model.Path, found, opset, reasons));

        var names = new NameSet(model);
        foreach (var graph in model.Graph.AllGraphs())
        {
            foreach (var node in graph.Node)
                Rewrite(node, graph, names, (found, opset));
        }

        foreach (var import in model.Proto.OpsetImport.Where(import => import.Domain is "" or "ai.onnx"))
            import.Version = opset;

        model.Proto.IrVersion = Math.Max(model.Proto.IrVersion, FourBitIr);
    }

    private static List<string> Reasons(OnnxModel model, long found, long opset)
    {
        var reasons = _changed.Where(change => found < change.Version && opset >= change.Version && model.AllNodes().Any(node => node.Is(change.Op)))
            .Select(change => change.Why).ToList();
        if (model.Proto.Functions.Count > 0)
            reasons.Add("it has functions of its own, which import opsets themselves");

        return reasons;
    }

    private static void Rewrite(NodeProto node, GraphProto graph, NameSet names, (long From, long To) opset)
    {
        if (Crosses(18) && node.Is(_reductions) && node.Integers("axes") is { Count: > 0 } axes)
        {
            var input = names.Take(node.Output[0] + "_axes");
            graph.Initializer.Add(OnnxTensor.Create(
                input, DataType.Int64, [axes.Count], System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>(axes.ToArray())));
            node.Unset("axes");
            node.Input.Add(input);
        }

        if (Crosses(18) && node.Is("Split") && node.InputAt(1).Length == 0)
            node.SetInteger("num_outputs", node.Output.Count);

        // Before 16 samples lay between pixels the other way round.
        if (Crosses(16) && node.Is("RoiAlign"))
            SetText(node, "coordinate_transformation_mode", "output_half_pixel");

        if (Crosses(20) && node.Is("GridSample") && Text(node, "mode") is { } mode)
            SetText(node, "mode", mode switch { "bilinear" => "linear", "bicubic" => "cubic", _ => mode });

        bool Crosses(long version) => opset.From < version && opset.To >= version;
    }

    private static string? Text(NodeProto node, string name) =>
        node.Attribute.FirstOrDefault(attribute => attribute.Name == name)?.S.ToStringUtf8();

    private static void SetText(NodeProto node, string name, string value)
    {
        node.Unset(name);
        node.Attribute.Add(new AttributeProto
        {
            Name = name, S = Google.Protobuf.ByteString.CopyFromUtf8(value), Type = AttributeProto.Types.AttributeType.String,
        });
    }
}
