using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Runtime.Preparing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>A model cut down to what some of its tensors need, with these as its outputs.</summary>
internal static class ExposedModel
{
    /// <summary>A copy; nodes that none of the tensors depends on are gone.</summary>
    /// <param name="model">Left as it is.</param>
    /// <param name="names">Inputs, or outputs of nodes, of the main graph.</param>
    /// <exception cref="ArgumentException">The model has no such tensor.</exception>
    public static OnnxModel Of(OnnxModel model, IReadOnlyList<string> names)
    {
        var exposed = model.Clone();
        var known = exposed.Graph.Output.ToDictionary(output => output.Name, StringComparer.Ordinal);
        var made = exposed.Graph.Input.Select(input => input.Name)
            .Concat(exposed.Graph.Node.SelectMany(node => node.Output)).ToHashSet(StringComparer.Ordinal);
        exposed.Graph.Output.Clear();
        foreach (var name in names)
        {
            if (!made.Contains(name))
                throw new ArgumentException($"The model has no tensor '{name}'.", nameof(names));

            // Without a type: the runtime infers it, so that half floats are taken as well.
            exposed.Graph.Output.Add(known.GetValueOrDefault(name) ?? new ValueInfoProto { Name = name });
        }

        DeadCode.Drop(exposed.Graph);
        return exposed;
    }
}
