using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>Makes weights and parameters that adapters replace overridable: the base's value is the default.</summary>
internal sealed class WholeValues(OnnxModel model, GraphIndex index, AdapterInputs inputs, ModelConstants constants, NameSet names)
{
    /// <summary>Makes a weight overridable, in the layout in which its node reads it.</summary>
    public void Override(BranchWhole whole)
    {
        foreach (var places in whole.Resolution.Places.GroupBy(place => (place.Use.Name, IsNodeTransposed(place.Use))).Select(group => group.ToList()))
        {
            var use = places[0].Use;
            var type = BranchNode.TypeOf(use);
            var weight = StoredWeight.Read(model, use);
            var dims = IsNodeTransposed(use) ? [use.Shape[1], use.Shape[0]] : use.Shape.Dims.ToArray();
            var input = inputs.Add(whole.Resolution.Module, "weight", OnnxTensor.Create("", type, dims, Oriented(use, weight)), null);
            foreach (var place in places)
                Rewire(place.Use.Edge, inputs.ValueOf(input));

            foreach (var change in whole.Changes)
            {
                var values = Replaced(places[0], weight, change.Replacement.Value.ToFloats());
                inputs.Give(change.Adapter, input, type, dims, Oriented(use, values), whole.Resolution.Module);
            }
        }
    }

    /// <summary>Makes a bias, norm or other parameter overridable, as it is stored; of a packed one the module's own elements.</summary>
    public void Override(BranchParameter parameter)
    {
        var target = parameter.Target;
        var tensor = parameter.Stored;
        var type = OnnxTensor.TypeOf(tensor.DataType)!.Value;
        var stored = model.Read(tensor).ToFloats();
        var rows = target.Rows ?? new RowRange(0, stored.Length);
        var own = (int)rows.First..(int)rows.End;
        long[] dims = target.Rows is null ? [.. tensor.Dims] : [rows.Count];
        var input = inputs.Add(target.Replacement.Module, target.Replacement.Parameter, OnnxTensor.Create("", type, dims, stored[own]), null);
        foreach (var change in parameter.Changes)
            inputs.Give(change.Adapter, input, type, dims, target.With([.. stored], change.Replacement)[own], target.Replacement.Module);

        foreach (var edge in target.Edges)
            Rewire(edge, target.Rows is null ? inputs.ValueOf(input) : Packed(edge, inputs.ValueOf(input), rows, stored.Length));
    }

    // The base's value is the new input's default: the old initializer would be in the file twice.
    private void Rewire(Edge edge, string value)
    {
        var old = edge.Value;
        index.Rewire(edge, value);
        if (index.Consumers(old).Count == 0 && !index.IsGraphOutput(old) && !index.IsInput(old)
            && model.Graph.Initializer.FirstOrDefault(tensor => tensor.Name == old) is { } unused)
        {
            model.Graph.Initializer.Remove(unused);
        }
    }

    // The elements of other modules stay what they were, or what another module's input makes of them.
    private string Packed(Edge edge, string input, RowRange rows, long length)
    {
        var chain = new NodeChain(names, "/loraops/" + input);
        var parts = new List<string>();
        if (rows.First > 0)
            parts.Add(BranchProduct.Part(chain, constants, edge.Value, 0, new RowRange(0, rows.First)));

        parts.Add(input);
        if (rows.End < length)
            parts.Add(BranchProduct.Part(chain, constants, edge.Value, 0, new RowRange(rows.End, length - rows.End)));

        var packed = BranchProduct.Joined(chain, parts, 0);
        foreach (var node in chain.Nodes)
            index.Insert(node, edge.Node);

        return packed;
    }

    /// <summary>The node's whole weight with the module's rows replaced, batch norm factors multiplied in.</summary>
    /// <param name="place">The module's share of the node.</param>
    /// <param name="weight">The node's weight in PyTorch's layout.</param>
    /// <param name="replacement">The module's new weight.</param>
    public static float[] Replaced(WeightPlace place, float[] weight, float[] replacement)
    {
        var row = checked((int)place.Use.Shape.RowLength);
        var part = replacement.AsSpan(checked((int)((place.Part?.First ?? 0) * row)), checked((int)((place.Part?.Count ?? replacement.Length / row) * row)));
        var values = (float[])weight.Clone();
        var rows = values.AsSpan(checked((int)((place.Rows?.First ?? 0) * row)), part.Length);
        part.CopyTo(rows);
        for (var i = 0; place.Factors is { } factors && i < rows.Length; i++)
            rows[i] *= factors[i / row];

        return values;
    }

    // MatMul, and Gemm without transB, read [in, out].
    private static bool IsNodeTransposed(WeightUse use) => use.Layer == LayerKind.Linear && use.Node.Integer("transB", 0) == 0;

    private static float[] Oriented(WeightUse use, float[] weight)
    {
        if (use.Alpha != 1)
            weight = Array.ConvertAll(weight, value => value / use.Alpha);

        return IsNodeTransposed(use) ? StoredWeight.Transpose(weight, (int)use.Shape[0], (int)use.Shape[1]) : weight;
    }
}
