using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Preparing;

/// <summary>
/// Brings a float model into the form that static quantization wants: constants folded, batch norm folded into
/// convolutions, dead nodes gone.
/// </summary>
public static class GraphPreparation
{
    // One pass may leave what its own folding made constant (a Cast over an Expand over a Shape).
    private const int MostPasses = 4;

    /// <summary>
    /// A new model of plain ONNX operators with the same inputs, outputs, opset and IR version; nodes that survive keep
    /// their names, nameless ones are named after their first output. The same model gives the same bytes.
    /// </summary>
    /// <exception cref="LoraOpsException">The runtime refuses the model.</exception>
    public static OnnxModel Prepare(OnnxModel model)
    {
        var domains = model.AllNodes().Select(node => node.Domain).Append("").ToHashSet(StringComparer.Ordinal);
        var prepared = model.Clone();
        for (var pass = 0; pass < MostPasses; pass++)
        {
            var next = RuntimeOptimizer.Optimize(prepared, GraphOptimization.Basic);

            // A node of the runtime's own would shut out every other compiler.
            if (next.AllNodes().Any(node => !domains.Contains(node.Domain)))
                break;

            var done = pass > 0 && next.Graph.Node.Count == prepared.Graph.Node.Count;
            prepared = next;
            if (done)
                break;
        }

        DeadCode.Drop(prepared.Graph);
        Restore(model, prepared);
        return prepared;
    }

    // The runtime stamps its own name and opsets on what it saves, and writes tensors in the order of a hash table.
    private static void Restore(OnnxModel original, OnnxModel prepared)
    {
        var (from, to) = (original.Proto, prepared.Proto);
        var used = prepared.AllNodes().Select(node => Canonical(node.Domain)).Append("").ToHashSet(StringComparer.Ordinal);
        var opsets = to.OpsetImport.Where(opset => used.Contains(Canonical(opset.Domain)))
            .OrderBy(opset => opset.Domain, StringComparer.Ordinal).ToList();
        to.OpsetImport.Clear();
        to.OpsetImport.AddRange(opsets);
        to.IrVersion = from.IrVersion;
        to.ProducerName = from.ProducerName;
        to.ProducerVersion = from.ProducerVersion;
        to.MetadataProps.Clear();
        to.MetadataProps.AddRange(from.MetadataProps);
        Sort(from.Graph, to.Graph);
        foreach (var node in to.Graph.Node.Where(node => node.Name.Length == 0))
            node.Name = $"{node.OpType}_{node.Output.FirstOrDefault(output => output.Length > 0)}";
    }

    private static void Sort(GraphProto from, GraphProto to)
    {
        var order = from.Initializer.Select((tensor, at) => (tensor.Name, at))
            .ToDictionary(pair => pair.Name, pair => pair.at, StringComparer.Ordinal);
        var initializers = to.Initializer.OrderBy(tensor => order.GetValueOrDefault(tensor.Name, int.MaxValue))
            .ThenBy(tensor => tensor.Name, StringComparer.Ordinal).ToList();
        to.Initializer.Clear();
        to.Initializer.AddRange(initializers);

        var made = to.Node.SelectMany(node => node.Output).ToHashSet(StringComparer.Ordinal);
        var infos = to.ValueInfo.Where(info => made.Contains(info.Name)).OrderBy(info => info.Name, StringComparer.Ordinal).ToList();
        to.ValueInfo.Clear();
        to.ValueInfo.AddRange(infos);
    }

    private static string Canonical(string domain) => domain == "ai.onnx" ? "" : domain;
}
