using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>The names of a module's overridable inputs.</summary>
/// <param name="A">The first factor.</param>
/// <param name="B">The second factor.</param>
/// <param name="Gains">DoRA's g, or null if no adapter has one.</param>
internal sealed record ModuleInputs(string A, string B, string? Gains);

/// <summary>
/// Puts the branch of overridable factors beside a node: y ← g ⊙ (y + x · A · B) (+ (1 − g) ⊙ b where the node itself adds a bias). A
/// conditional branch runs only if a factor has a rank; it takes the Add of the bias in, so that an idle layer does what it did before.
/// </summary>
internal sealed class InputsBranch
{
    private readonly BranchNode _site;
    private readonly Func<BranchShare, ModuleInputs> _inputs;
    private readonly GraphIndex _index;
    private readonly ModelConstants _constants;
    private readonly NameSet _names;

    public InputsBranch(BranchNode site, Func<BranchShare, ModuleInputs> inputs, GraphIndex index, ModelConstants constants, NameSet names)
    {
        _site = site;
        _inputs = inputs;
        _index = index;
        _constants = constants;
        _names = names;
    }

    /// <summary>Writes the branch.</summary>
    /// <param name="isConditional">True for a branch that is skipped while it is idle.</param>
    public void Write(bool isConditional)
    {
        if (ResidualToJoin() is { } residual)
        {
            JoinResidual(residual, isConditional);
            return;
        }

        var graph = _index.Owner(_site.Node);
        var chain = new NodeChain(_names, _site.Prefix);
        var plain = _site.Last.Output[0];
        var add = isConditional ? BiasToTakeIn() : null;
        var at = graph.Node.IndexOf(add?.Node ?? _site.Last);
        var result = add?.Node.Output[0] ?? plain;
        if (add is null)
        {
            plain = _names.Take(plain + "_base");
            _site.Last.Output[0] = plain;
            at++;
        }
        else
        {
            graph.Node.RemoveAt(at);
        }

        if (isConditional)
            Conditional(chain, plain, add?.Value, result);
        else
            Active(chain, plain, null, result);

        chain.InsertInto(graph, at);
    }

    // (x·W + b) + r stays as it is for ONNX Runtime's fused bias, residual and LayerNorm: the branch joins r.
    private void JoinResidual(Edge residual, bool isConditional)
    {
        var chain = new NodeChain(_names, _site.Prefix);
        var joined = _names.Take(residual.Value + "_adapted");
        if (isConditional)
            Conditional(chain, residual.Value, null, joined);
        else
            Active(chain, residual.Value, null, joined);

        var graph = _index.Owner(residual.Node);
        chain.InsertInto(graph, graph.Node.IndexOf(residual.Node));
        _index.Rewire(residual, joined);
    }

    private void Conditional(NodeChain chain, string plain, string? bias, string result)
    {
        var sizes = _site.Shares.Select(share => chain.Value("Size", _inputs(share).A)).ToList();
        var size = sizes.Aggregate((sum, next) => chain.Value("Add", sum, next));
        var isActive = chain.Value("Cast", "to", (long)TensorProto.Types.DataType.Bool, size);
        var (active, idle) = (chain.Inner(), chain.Inner());
        Active(active, plain, bias, null);
        _ = bias is null ? idle.Value("Identity", plain) : idle.Value("Add", plain, bias);
        var type = (int)OnnxTensor.DataTypeOf(_site.Type);
        var node = chain.Node("If", isActive);
        node.SetGraph("then_branch", active.ToGraph(type));
        node.SetGraph("else_branch", idle.ToGraph(type));
        chain.EndAs(result);
    }

    private void Active(NodeChain chain, string plain, string? bias, string? result)
    {
        var layer = _site.Layer;
        var a = BranchProduct.Joined(chain, [.. _site.Shares.Select(share => _inputs(share).A)], BranchProduct.RankAxisOfA(layer));
        var down = BranchProduct.Down(chain, _site, a);
        var b = BranchProduct.Joined(chain, [.. _site.Shares.Select(share => FactorB(chain, share))], BranchProduct.RankAxisOfB(layer));
        var up = BranchProduct.Up(chain, _site, down, b);
        if (_site.Norm is { } norm)
            up = chain.Value("Mul", up, Channels("/loraops/factors", norm.Factors));

        var sum = chain.Value("Add", plain, up);
        if (Gains(chain) is { } gains)
            sum = Rescale(chain, sum, gains);

        if (bias is not null)
            chain.Value("Add", sum, bias);

        if (result is not null)
            chain.EndAs(result);
    }

    private string FactorB(NodeChain chain, BranchShare share)
    {
        var part = BranchProduct.Part(chain, _constants, _inputs(share).B, 1 - BranchProduct.RankAxisOfB(_site.Layer), share.Place.Part);
        return BranchProduct.Padded(chain, _constants, part, _site, share);
    }

    // g of every module of the node in the order of its rows, ones between them.
    private string? Gains(NodeChain chain)
    {
        if (_site.Shares.All(share => _inputs(share).Gains is null))
            return null;

        var (parts, next) = (new List<string>(), 0L);
        foreach (var share in _site.Shares)
        {
            var rows = share.Place.Rows ?? new RowRange(0, _site.Outputs);
            if (rows.First > next)
                parts.Add(Ones(rows.First - next));

            parts.Add(_inputs(share).Gains is { } gains ? BranchProduct.Part(chain, _constants, gains, 0, share.Place.Part) : Ones(rows.Count));
            next = rows.End;
        }

        if (next < _site.Outputs)
            parts.Add(Ones(_site.Outputs - next));

        return BranchProduct.Joined(chain, parts, 0);
    }

    private string Rescale(NodeChain chain, string sum, string gains)
    {
        var rescaled = chain.Value("Mul", sum, gains);
        if (OwnBias(chain) is not { } bias)
            return rescaled;

        // The node has added its bias already: y + b became g·y + g·b, and (1 − g)·b is missing.
        var one = _constants.Floats("/loraops/one", _site.Type, [], [1]);
        return chain.Value("Add", rescaled, chain.Value("Mul", chain.Value("Sub", one, gains), bias));
    }

    private string? OwnBias(NodeChain chain)
    {
        if (_site.Norm is { } norm)
            return Channels("/loraops/shift", norm.Shift);

        if (_site.OwnBias is not { } bias)
            return null;

        var shaped = chain.Value("Reshape", bias, _constants.Integers(BranchProduct.DimsOfGains(_site.Layer, _site.Use.Shape)));
        var beta = _site.Node.Float("beta", 1);
        return beta == 1 ? shaped : chain.Value("Mul", shaped, _constants.Floats("/loraops/beta", _site.Type, [], [beta]));
    }

    private string Channels(string name, float[] values) =>
        _constants.Floats(name, _site.Type, BranchProduct.DimsOfGains(_site.Layer, _site.Use.Shape), values);

    private string Ones(long count)
    {
        var dims = BranchProduct.DimsOfGains(_site.Layer, _site.Use.Shape);
        dims[0] = count;
        return _constants.Floats("/loraops/ones", _site.Type, dims, [.. Enumerable.Repeat(1f, checked((int)count))]);
    }

    // The Add of the bias comes into the branch unless ONNX Runtime fuses it with what follows.
    private Edge? BiasToTakeIn() => LoneBias() is { } bias
        && !_index.Consumers(bias.Node).Any(edge => edge.Node.OpType is "Div" or "Erf" or "Gelu" or "FastGelu") ? bias : null;

    private Edge? ResidualToJoin() => !_site.IsRescaled && LoneBias() is { } bias
        && _index.Consumers(bias.Node) is [{ Node: { OpType: "Add" } sum } edge] && ReferenceEquals(_index.Owner(sum), _index.Owner(_site.Node))
        && new Edge(sum, 1 - edge.Input) is var other && other.Value != edge.Value && _index.Stored(other) is null
            ? other
            : null;

    // The bias that an Add of its own adds to the node's output, which nobody else reads.
    private Edge? LoneBias() => _site.Use.Bias is { } bias && bias.Node.Is("Add")
        && _index.Consumers(_site.Node) is [var reader] && ReferenceEquals(reader.Node, bias.Node)
        && !_index.IsGraphOutput(reader) && ReferenceEquals(_index.Owner(bias.Node), _index.Owner(_site.Node))
            ? bias
            : null;
}
