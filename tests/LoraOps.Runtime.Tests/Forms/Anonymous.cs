using System.Globalization;
using Google.Protobuf.Collections;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>Takes every name out of a graph that its users do not need: nodes, values, initializers, metadata.</summary>
internal static class Anonymous
{
    public static void Strip(OnnxModel model)
    {
        var graph = model.Graph;
        var names = graph.Input.Concat(graph.Output).ToDictionary(value => value.Name, value => value.Name, StringComparer.Ordinal);
        names[""] = "";
        graph.ValueInfo.Clear();
        model.Proto.MetadataProps.Clear();
        foreach (var tensor in graph.Initializer)
            tensor.Name = New(names, tensor.Name);

        foreach (var node in graph.Node)
        {
            node.Name = "";
            node.DocString = "";
            node.MetadataProps.Clear();
            Rename(node.Input, names);
            Rename(node.Output, names);
        }
    }

    private static void Rename(RepeatedField<string> values, Dictionary<string, string> names)
    {
        for (var i = 0; i < values.Count; i++)
            values[i] = New(names, values[i]);
    }

    private static string New(Dictionary<string, string> names, string name)
    {
        if (!names.TryGetValue(name, out var found))
            names[name] = found = string.Create(CultureInfo.InvariantCulture, $"v{names.Count}");

        return found;
    }
}
