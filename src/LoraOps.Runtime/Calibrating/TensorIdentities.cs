using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// The identity of each value of a model's main graph: SHA-256 over everything that it is computed from, operators, attributes and the bytes of
/// weights, but no names other than those of the inputs. Two values with one identity are equal on the same inputs.
/// </summary>
internal sealed class TensorIdentities
{
    private const int BlockBytes = 1 << 20;
    private readonly OnnxModel _model;
    private readonly Dictionary<string, string> _identities = new(StringComparer.Ordinal);

    private TensorIdentities(OnnxModel model) => _model = model;

    /// <summary>Reads every weight of a model once.</summary>
    public static IReadOnlyDictionary<string, string> Of(OnnxModel model)
    {
        var made = new TensorIdentities(model);
        foreach (var input in model.Graph.Input)
            made._identities[input.Name] = Text("input", input.Name, $"{input.Type?.TensorType?.ElemType}");

        // An input's default may be overridden, so it is its value and not the input's name that counts here as well.
        foreach (var tensor in model.Graph.Initializer)
            made._identities[tensor.Name] = made.OfTensor(tensor);

        foreach (var node in model.Graph.Node)
            made.Add(node);

        return made._identities;
    }

    private void Add(NodeProto node)
    {
        var bare = node.Clone();
        bare.ClearName();
        bare.ClearDocString();
        bare.MetadataProps.Clear();
        bare.Input.Clear();
        bare.Output.Clear();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bare.ToByteArray());

        // Which inputs are left out is part of what the node computes; a subgraph reads values of this graph by name.
        var inner = GraphWalk.Subgraphs(node).SelectMany(GraphWalk.AllGraphs)
            .SelectMany(graph => graph.Node.SelectMany(one => one.Input).Concat(graph.Output.Select(output => output.Name)))
            .Where(_identities.ContainsKey).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        var opset = _model.Opset(node.Domain == "ai.onnx" ? "" : node.Domain);
        var parts = node.Input.Select(name => name.Length == 0 ? "-" : _identities.GetValueOrDefault(name, "?" + name))
            .Concat(inner.Select(name => $"{name}={_identities[name]}"));
        hash.AppendData(Encoding.UTF8.GetBytes($"\n{opset}\n{string.Join('\n', parts)}"));
        var identity = Convert.ToHexStringLower(hash.GetHashAndReset());
        for (var i = 0; i < node.Output.Count; i++)
        {
            if (node.Output[i].Length > 0)
                _identities[node.Output[i]] = Text("output", $"{i}", identity);
        }
    }

    private string OfTensor(TensorProto tensor)
    {
        var values = _model.Read(tensor);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"tensor\n{tensor.DataType}\n{string.Join(',', tensor.Dims)}\n"));
        if (tensor.HasRawData && !ExternalData.IsExternal(tensor))
        {
            hash.AppendData(tensor.RawData.Span);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        var block = new byte[Math.Min(BlockBytes, values.ByteLength)];
        for (long at = 0; at < values.ByteLength; at += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, values.ByteLength - at));
            values.ReadBytes(at, part);
            hash.AppendData(part);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string Text(params string[] parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
}
