using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

/// <summary>A parameter that is replaced as a whole, and the nodes that read it for this module.</summary>
internal sealed record ParameterTarget(Replacement Replacement, IReadOnlyList<Edge> Edges, IReadOnlyList<EvidenceTier> Evidence)
{
    /// <summary>True if the values were compared with the base checkpoint's.</summary>
    public bool IsVerified { get; init; }

    /// <summary>The elements of a packed bias that are the module's; null if all.</summary>
    public RowRange? Rows { get; init; }

    /// <summary>What a folded batch norm multiplies the bias with; null if nothing.</summary>
    public IReadOnlyList<float>? Factors { get; init; }

    /// <summary>The base's own bias, which a folded batch norm has multiplied; null without one.</summary>
    public float[]? Old { get; init; }

    /// <summary>Writes the new value.</summary>
    public Site Apply(OnnxModel model, TensorEditor editor)
    {
        // Another module's change may have given the node a copy.
        var stored = editor.Stored(Edges[0]);
        var tensor = model.Read(stored);
        var values = With(tensor.ToFloats(), Replacement);
        var bytes = new byte[checked(values.Length * (tensor.Type.Bits() / 8))];
        ElementCodec.Encode(tensor.Type, values, bytes);
        var name = Edges[0].Value;
        var copy = editor.Write(stored, Edges, bytes, Replacement.FullName);
        return new Site
        {
            Module = Replacement.Module,
            Parameter = Replacement.Parameter,
            Method = "replaced",
            Nodes = [.. Edges.Select(edge => edge.Node.Name)],
            Operator = Edges[0].Node.OpType,
            Initializer = name,
            Rows = Rows,
            Copy = copy,
            Evidence = Evidence,
            IsVerified = IsVerified,
        };
    }

    /// <summary>The whole stored value with a new one in its place.</summary>
    /// <param name="stored">What the graph stores; changed.</param>
    /// <param name="replacement">The new value, this target's own or another adapter's.</param>
    public float[] With(float[] stored, Replacement replacement)
    {
        Put(stored.AsSpan((int)(Rows?.First ?? 0), (int)(Rows?.Count ?? stored.Length)), replacement.Value.ToFloats());
        return stored;
    }

    // A folded bias is (b − μ) · f + β: a change of b comes in times f, the rest stays.
    private void Put(Span<float> stored, float[] values)
    {
        for (var i = 0; i < stored.Length; i++)
            stored[i] = Factors is null ? values[i] : stored[i] + (Factors[i] * (values[i] - Old![i]));
    }
}
