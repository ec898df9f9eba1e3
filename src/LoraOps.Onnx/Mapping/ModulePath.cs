using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>How surely two dotted module names are the same.</summary>
public enum NameMatch
{
    /// <summary>They differ.</summary>
    None,

    /// <summary>One ends with the other, as when an export wrapped the model or dropped its outer scope.</summary>
    Suffix,

    /// <summary>They are equal.</summary>
    Exact,
}

/// <summary>What exporters leave of a module's name on its nodes.</summary>
public static class ModulePath
{
    private const string ScopesKey = "pkg.torch.onnx.name_scopes";

    /// <summary>Compares two dotted names.</summary>
    public static NameMatch Compare(string left, string right)
    {
        if (left == right)
            return NameMatch.Exact;

        var (longer, shorter) = left.Length > right.Length ? (left, right) : (right, left);
        return shorter.Length > 0 && longer.EndsWith("." + shorter, StringComparison.Ordinal) ? NameMatch.Suffix : NameMatch.None;
    }

    /// <summary>How much of two names agrees: 0 if they differ, more the longer the common tail is, most if they are equal.</summary>
    public static int Agreement(string left, string right) => Compare(left, right) switch
    {
        NameMatch.Exact => int.MaxValue,
        NameMatch.Suffix => Math.Min(left.Length, right.Length),
        _ => 0,
    };

    /// <summary>The module that torch.export recorded on a node, or null: the last scope is the node, the one before it the module.</summary>
    public static string? FromMetadata(NodeProto node)
    {
        var text = node.MetadataProps.FirstOrDefault(entry => entry.Key == ScopesKey)?.Value;
        return text is not null && PythonList.Parse(text) is { Count: >= 2 } scopes && scopes[^2].Length > 0 ? scopes[^2] : null;
    }

    /// <summary>
    /// The module in a TorchScript node name, or null: <c>/vit/layers.0/attention/q_proj/MatMul</c> is
    /// <c>vit.layers.0.attention.q_proj</c>, and <c>/stem/stem.0/Conv</c> is <c>stem.0</c>, because a Sequential repeats its own name.
    /// </summary>
    public static string? FromNodeName(string name)
    {
        if (!name.StartsWith('/'))
            return null;

        var parts = name.Split('/', StringSplitOptions.RemoveEmptyEntries).SkipLast(1).ToList();
        for (var i = parts.Count - 2; i >= 0; i--)
        {
            if (parts[i + 1].StartsWith(parts[i] + ".", StringComparison.Ordinal))
                parts.RemoveAt(i);
        }

        return parts.Count == 0 ? null : string.Join('.', parts);
    }
}
