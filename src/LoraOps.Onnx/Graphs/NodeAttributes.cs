using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>A node's attributes by name, with the default that its operator gives.</summary>
public static class NodeAttributes
{
    /// <summary>An integer attribute.</summary>
    public static long Integer(this NodeProto node, string name, long missing) => Find(node, name)?.I ?? missing;

    /// <summary>A float attribute.</summary>
    public static float Float(this NodeProto node, string name, float missing) => Find(node, name)?.F ?? missing;

    /// <summary>An attribute that holds a list of integers; empty if it is missing.</summary>
    public static IReadOnlyList<long> Integers(this NodeProto node, string name) => Find(node, name)?.Ints ?? [];

    /// <summary>True for an operator of the ONNX standard's own domain.</summary>
    public static bool Is(this NodeProto node, params ReadOnlySpan<string> ops) =>
        node.Domain is "" or "ai.onnx" && ops.Contains(node.OpType);

    /// <summary>True for one of ONNX Runtime's own operators.</summary>
    public static bool IsContrib(this NodeProto node, params ReadOnlySpan<string> ops) =>
        node.Domain == "com.microsoft" && ops.Contains(node.OpType);

    /// <summary>An input's name, or empty if the node does not have it.</summary>
    public static string InputAt(this NodeProto node, int index) => index < node.Input.Count ? node.Input[index] : "";

    /// <summary>Adds an integer attribute.</summary>
    public static void SetInteger(this NodeProto node, string name, long value) => node.Attribute.Add(
        new AttributeProto { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int });

    /// <summary>Adds an attribute that is a graph.</summary>
    public static void SetGraph(this NodeProto node, string name, GraphProto value) => node.Attribute.Add(
        new AttributeProto { Name = name, G = value, Type = AttributeProto.Types.AttributeType.Graph });

    /// <summary>Takes an attribute away, so that its default holds.</summary>
    public static void Unset(this NodeProto node, string name)
    {
        if (Find(node, name) is { } attribute)
            node.Attribute.Remove(attribute);
    }

    private static AttributeProto? Find(NodeProto node, string name) =>
        node.Attribute.FirstOrDefault(attribute => attribute.Name == name);
}
