using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>A node of the form switchable: where its samples are, and what the adapters do there.</summary>
internal sealed record SwitchNode(SampledNode Sampled, SwitchTerms Terms)
{
    /// <summary>The node.</summary>
    public BranchNode Site => Sampled.Site;
}

/// <summary>Puts the branches of all adapters beside nodes that read the same value.</summary>
internal sealed class SwitchBranch(GraphIndex index, ModelConstants constants, NameSet names, SampleWeights weights, int adapters)
{
    /// <summary>
    /// All columns of all adapters in one product, each multiplied with its adapter's weight. Nodes that read the same value share the first
    /// product: a wide one costs less than several thin ones.
    /// </summary>
    /// <param name="nodes">Linear layers of one value, or any one node.</param>
    public void Mix(IReadOnlyList<SwitchNode> nodes)
    {
        var first = nodes[0];
        var (site, shared) = (first.Site, new NodeChain(names, first.Site.Prefix));
        var columns = nodes.Sum(node => node.Terms.Columns);
        var a = constants.Floats($"{site.Prefix}/A", site.Type, BranchProduct.DimsOfA(site.Layer, site.Use.WholeShape, columns), Joined(nodes));
        var inner = WithConstants(shared, site, BranchProduct.Down(shared, site, a), nodes, columns);
        var spread = weights.Spread([.. nodes.SelectMany(node => node.Terms.Owners)], site.Type);
        inner = weights.Times(shared, inner, spread, columns, first.Sampled);
        Insert(site.Node, shared, isBehind: false);
        var at = 0;
        foreach (var node in nodes)
        {
            var chain = new NodeChain(names, node.Site.Prefix);
            var end = at + node.Terms.Columns;
            var own = nodes.Count == 1
                ? inner
                : chain.Value("Slice", inner, constants.Integers(at), constants.Integers(end), constants.Integers(-1));
            var b = constants.Floats(
                $"{node.Site.Prefix}/B", node.Site.Type, BranchProduct.DimsOfB(node.Site.Layer, node.Site.Use.Shape, node.Terms.Columns), node.Terms.B());
            Finish(node, chain, plain => BranchProduct.Up(chain, node.Site, own, b));
            at = end;
        }
    }

    /// <summary>Each sample's own factors, gathered from the stacks of all adapters: for many adapters, where most columns of a mix would be idle.</summary>
    /// <param name="node">A linear layer whose samples are on the first axis.</param>
    public void Gather(SwitchNode node)
    {
        var (site, terms) = (node.Site, node.Terms);
        var chain = new NodeChain(names, site.Prefix);
        var (inputs, outputs, rank) = (site.Use.Shape[1], site.Outputs, terms.SlotRank);
        var (a, b) = Stacked(terms, (int)inputs, (int)outputs, rank);
        var ownA = chain.Value("Gather", constants.Floats($"{site.Prefix}/A", site.Type, [adapters + 1, inputs, rank], a), weights.Index!);
        var ownB = chain.Value("Gather", constants.Floats($"{site.Prefix}/B", site.Type, [adapters + 1, rank, outputs], b), weights.Index!);
        var isPlain = node.Sampled is { IsGrouped: false, Rank: 3 };
        var source = isPlain ? site.Source : weights.Grouped(chain, site.Source, inputs);
        var inner = chain.Value("MatMul", source, ownA);
        if (terms.Constants is not null)
        {
            var ones = new float[rank];
            ones[^1] = 1;
            inner = chain.Value("Add", inner, constants.Floats($"{site.Prefix}/constants", site.Type, [rank], ones));
        }

        var product = chain.Value("MatMul", inner, ownB);
        var isFlat = node.Sampled.Layout.Rank == 2;
        Finish(node, chain, plain => isPlain
            ? product
            : chain.Value("Reshape", product, isFlat ? constants.Integers(-1, outputs) : chain.Value("Shape", plain)));
    }

    private void Finish(SwitchNode node, NodeChain chain, Func<string, string> change)
    {
        var (site, last) = (node.Site, node.Site.Last);
        var result = last.Output[0];
        var plain = last.Output[0] = names.Take(result + "_base");
        if (node.Terms.IsRescaled)
        {
            var gains = weights.Blend(node.Terms.Gains(adapters), (int)site.Outputs, site.Type);
            var rescaled = weights.Times(chain, plain, gains, site.Outputs, node.Sampled);
            chain.Value("Add", chain.Value("Add", plain, change(plain)), rescaled);
        }
        else
        {
            chain.Value("Add", plain, change(plain));
        }

        chain.EndAs(result);
        Insert(last, chain, isBehind: true);
    }

    private void Insert(NodeProto beside, NodeChain chain, bool isBehind)
    {
        var graph = index.Owner(beside);
        chain.InsertInto(graph, graph.Node.IndexOf(beside) + (isBehind ? 1 : 0));
    }

    private string WithConstants(NodeChain chain, BranchNode site, string inner, IReadOnlyList<SwitchNode> nodes, int columns)
    {
        if (nodes.All(node => node.Terms.Constants is null))
            return inner;

        long[] dims = site.Layer == LayerKind.Convolution ? [columns, .. Enumerable.Repeat(1L, site.Use.Shape.Rank - 2)] : [columns];
        float[] values = [.. nodes.SelectMany(node => node.Terms.Constants ?? new float[node.Terms.Columns])];
        return chain.Value("Add", inner, constants.Floats($"{site.Prefix}/constants", site.Type, dims, values));
    }

    // A of several nodes side by side along the columns.
    private static float[] Joined(IReadOnlyList<SwitchNode> nodes) => nodes.Count == 1
        ? nodes[0].Terms.A()
        : SwitchTerms.SideBySide((int)nodes[0].Site.Use.Shape[1], [.. nodes.Select(node => (node.Terms.A(), node.Terms.Columns))]);

    // Slot 0 is the base: zeros. A bias's constant column is the last one of every slot.
    private (float[] A, float[] B) Stacked(SwitchTerms terms, int inputs, int outputs, int rank)
    {
        var (sourceA, sourceB, owners, ones) = (terms.A(), terms.B(), terms.Owners, terms.Constants);
        var (a, b) = (new float[(adapters + 1) * inputs * rank], new float[(adapters + 1) * outputs * rank]);
        var used = new int[adapters + 1];
        for (var column = 0; column < owners.Count; column++)
        {
            var slot = owners[column] + 1;
            var at = ones?[column] == 1 ? rank - 1 : used[slot]++;
            for (var row = 0; row < inputs; row++)
                a[(((slot * inputs) + row) * rank) + at] = sourceA[(row * owners.Count) + column];

            sourceB.AsSpan(column * outputs, outputs).CopyTo(b.AsSpan(((slot * rank) + at) * outputs));
        }

        return (a, b);
    }
}
