using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Takes out of a model what no runtime needs: what exporters wrote for people, unused and repeated constants, long names.</summary>
public static class ModelSlimming
{
    private const int HeadBytes = 64;
    private const string Digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>Slims a model in place.</summary>
    public static void Slim(OnnxModel model, NamePolicy names)
    {
        DropNotes(model);
        ConstantsToInitializers(model);
        DropUnused(model);
        ShareEqual(model);
        if (names == NamePolicy.Short)
            Shorten(model);
    }

    private static void DropNotes(OnnxModel model)
    {
        foreach (var graph in model.Graph.AllGraphs())
        {
            graph.ClearDocString();
            graph.MetadataProps.Clear();
            graph.ValueInfo.Clear();
            graph.QuantizationAnnotation.Clear();
        }

        foreach (var node in model.AllNodes())
        {
            node.ClearDocString();
            node.MetadataProps.Clear();
            foreach (var attribute in node.Attribute)
                attribute.ClearDocString();
        }

        foreach (var tensor in model.AllTensors())
        {
            tensor.ClearDocString();
            tensor.MetadataProps.Clear();
        }

        foreach (var value in model.Graph.Input.Concat(model.Graph.Output))
        {
            value.ClearDocString();
            value.MetadataProps.Clear();
        }
    }

    private static void ConstantsToInitializers(OnnxModel model)
    {
        foreach (var node in model.Graph.Node.Where(node => node.Is("Constant") && node.Output.Count == 1).ToArray())
        {
            if (node.Attribute is not [{ Name: "value", T: { } tensor }] || model.Graph.Output.Any(output => output.Name == node.Output[0]))
                continue;

            tensor.Name = node.Output[0];
            model.Graph.Initializer.Add(tensor);
            model.Graph.Node.Remove(node);
        }
    }

    private static void DropUnused(OnnxModel model)
    {
        var used = Used(model);
        foreach (var tensor in model.Graph.Initializer.Where(tensor => !used.Contains(tensor.Name)).ToArray())
            model.Graph.Initializer.Remove(tensor);
    }

    // Outputs and inputs of the graph keep their own tensor: their names are the model's interface.
    private static void ShareEqual(OnnxModel model)
    {
        var interfaceNames = InterfaceNames(model);
        var kept = new Dictionary<string, List<(string Name, Tensor Values)>>(StringComparer.Ordinal);
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var tensor in model.Graph.Initializer.ToArray())
        {
            if (interfaceNames.Contains(tensor.Name) || ExternalData.IsExternal(tensor) || OnnxTensor.TypeOf(tensor.DataType) is null)
                continue;

            var values = model.Read(tensor);
            var alike = CollectionsMarshal.GetValueRefOrAddDefault(
                kept, $"{tensor.DataType}:{string.Join(',', tensor.Dims)}:{Convert.ToHexString(Head(values))}", out _) ??= [];
            if (alike.FirstOrDefault(other => IsSame(other.Values, values)).Name is { } same)
            {
                renamed[tensor.Name] = same;
                model.Graph.Initializer.Remove(tensor);
            }
            else
            {
                alike.Add((tensor.Name, values));
            }
        }

        Rename(model, renamed);
    }

    // Weights of one shape nearly always differ at their very start.
    private static byte[] Head(Tensor values)
    {
        var head = new byte[Math.Min(HeadBytes, values.ByteLength)];
        values.ReadBytes(0, head);
        return head;
    }

    private static bool IsSame(Tensor one, Tensor other) => one.ByteLength == other.ByteLength
        && (one.ByteLength <= HeadBytes || one.ToBytes().AsSpan().SequenceEqual(other.ToBytes()));

    private static void Shorten(OnnxModel model)
    {
        var taken = InterfaceNames(model);
        taken.UnionWith(model.Graph.Node.SelectMany(GraphWalk.Subgraphs).SelectMany(graph => graph.AllGraphs()).SelectMany(NamesIn));
        taken.UnionWith(model.Graph.SparseInitializer.Select(sparse => sparse.Values.Name));
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        var next = 0;
        foreach (var name in model.Graph.Initializer.Select(tensor => tensor.Name).Concat(model.Graph.Node.SelectMany(node => node.Output)))
        {
            if (name.Length == 0 || taken.Contains(name) || renamed.ContainsKey(name))
                continue;

            string letters;
            do
                letters = Letters(next++);
            while (taken.Contains(letters));

            renamed[name] = letters;
        }

        Rename(model, renamed);
        foreach (var node in model.Graph.Node.Where(node => !node.Is("Conv", "ConvTranspose", "MatMul", "Gemm")))
            node.ClearName();
    }

    private static void Rename(OnnxModel model, Dictionary<string, string> names)
    {
        foreach (var tensor in model.Graph.Initializer)
            tensor.Name = names.GetValueOrDefault(tensor.Name, tensor.Name);

        foreach (var node in model.Graph.Node)
            Replace(node.Output, names);

        foreach (var node in model.Graph.AllGraphs().SelectMany(graph => graph.Node))
            Replace(node.Input, names);

        // A subgraph may hand out a value of the outer graph as it is.
        foreach (var output in model.Graph.AllGraphs().Skip(1).SelectMany(graph => graph.Output))
            output.Name = names.GetValueOrDefault(output.Name, output.Name);
    }

    private static void Replace(Google.Protobuf.Collections.RepeatedField<string> values, Dictionary<string, string> names)
    {
        for (var i = 0; i < values.Count; i++)
            values[i] = names.GetValueOrDefault(values[i], values[i]);
    }

    private static HashSet<string> InterfaceNames(OnnxModel model) =>
        model.Graph.Input.Concat(model.Graph.Output).Select(value => value.Name).ToHashSet(StringComparer.Ordinal);

    private static HashSet<string> Used(OnnxModel model) => model.Graph.AllGraphs()
        .SelectMany(graph => graph.Node.SelectMany(node => node.Input).Concat(graph.Output.Select(output => output.Name)))
        .ToHashSet(StringComparer.Ordinal);

    // A subgraph's own names; those that it takes from outside are renamed with the outside.
    private static IEnumerable<string> NamesIn(GraphProto graph) => graph.Node.SelectMany(node => node.Output)
        .Concat(graph.Initializer.Select(tensor => tensor.Name))
        .Concat(graph.Input.Select(input => input.Name));

    private static string Letters(int number)
    {
        var letters = "";
        for (var rest = number; rest >= 0; rest = (rest / Digits.Length) - 1)
            letters = Digits[rest % Digits.Length] + letters;

        return letters;
    }
}
