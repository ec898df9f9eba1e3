using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

/// <summary>A parameter that is replaced as a whole, and the nodes that read it for this module.</summary>
internal sealed record ParameterTarget(
    Replacement Replacement, TensorProto Tensor, IReadOnlyList<Edge> Edges, IReadOnlyList<EvidenceTier> Evidence, bool IsVerified)
{
    /// <summary>Writes the new value.</summary>
    public Site Apply(TensorEditor editor)
    {
        var type = OnnxTensor.TypeOf(Tensor.DataType) ?? ElementType.F32;
        var values = Replacement.Value.ToFloats();
        var bytes = new byte[checked(values.Length * type.Bits() / 8)];
        ElementCodec.Encode(type, values, bytes);
        var name = Edges[0].Value;
        var copy = editor.Write(Tensor, Edges, bytes, Replacement.FullName);
        return new Site
        {
            Module = Replacement.Module,
            Parameter = Replacement.Parameter,
            Method = "replaced",
            Nodes = [.. Edges.Select(edge => edge.Node.Name)],
            Operator = Edges[0].Node.OpType,
            Initializer = name,
            Copy = copy,
            Evidence = Evidence,
            IsVerified = IsVerified,
        };
    }
}

/// <summary>Finds the biases, norms and other vectors that an adapter replaces.</summary>
internal sealed class ParameterResolver(OnnxModel model, GraphIndex index, ModuleResolver modules)
{
    private readonly OnnxModel _model = model;
    private readonly GraphIndex _index = index;
    private readonly ModuleResolver _modules = modules;

    /// <summary>Finds one parameter, or adds the reason why not to <paramref name="problems"/> and gives null.</summary>
    /// <param name="replacement">The new value.</param>
    /// <param name="module">Where the module's weight is, if the adapter changes that too.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public ParameterTarget? Resolve(Replacement replacement, Resolution? module, ICollection<Problem> problems)
    {
        var target = replacement.Parameter == "bias" && module is not null
            ? BesideWeight(replacement, module)
            : null;
        target ??= ByName(replacement);
        var reason = target is null ? Missing(replacement) : Fault(target);
        if (target is null || reason is not null)
        {
            problems.Add(MappingProblems.ParameterUnmapped(_model.Path, replacement.FullName, reason ?? ""));
            return null;
        }

        var named = _modules.Base?.Weights.Find([.. ModuleAliases.Candidates(replacement.Module)], replacement.Parameter);
        if (named is not null && _modules.Base?.Difference(named, target.Tensor) is { } difference)
        {
            problems.Add(MappingProblems.BaseDiffers(_model.Path, replacement.FullName, target.Edges[0].Value, difference));
            return null;
        }

        return target with { IsVerified = named is not null };
    }

    private ParameterTarget? BesideWeight(Replacement replacement, Resolution module)
    {
        var edges = module.Uses.Select(use => use.Bias).OfType<Edge>().ToList();
        return edges.Count == module.Places.Count && edges.Select(edge => edge.Value).Distinct(StringComparer.Ordinal).Count() == 1
            && _index.Stored(edges[0].Value) is { } tensor
                ? new ParameterTarget(replacement, tensor, edges, module.Evidence, false)
                : null;
    }

    private ParameterTarget? ByName(Replacement replacement)
    {
        var aliases = ModuleAliases.Candidates(replacement.Module).ToList();
        var matches = _index.TensorNames
            .Select(name => (name, Match: aliases.Max(alias => ModulePath.Compare(alias.Parameter(replacement.Parameter), name))))
            .Where(pair => pair.Match != NameMatch.None)
            .ToList();
        var best = matches.Count == 0 ? NameMatch.None : matches.Max(pair => pair.Match);
        var names = matches.Where(pair => pair.Match == best).Select(pair => pair.name).ToList();
        if (names.Count != 1 || _index.Stored(names[0]) is not { } tensor)
            return null;

        // Exporters store equal vectors once: readers that name another module keep the old value.
        var edges = _index.Consumers(names[0]).Where(edge => !NamesAnother(edge.Node, aliases)).ToList();
        return edges.Count == 0 ? null : new ParameterTarget(replacement, tensor, edges, [EvidenceTier.ExactName], false);
    }

    private static bool NamesAnother(NodeProto node, List<ModuleName> aliases) =>
        (ModulePath.FromMetadata(node) ?? ModulePath.FromNodeName(node.Name)) is { } owner
        && aliases.All(alias => ModulePath.Compare(alias.Value, owner) == NameMatch.None);

    private string Missing(Replacement replacement) => "the graph has no such parameter" + NearMisses.Phrase(
        replacement.FullName, _index.TensorNames.Concat(_modules.Uses.Select(use => $"{use.ModuleGuess}.{replacement.Parameter}")));

    private static string? Fault(ParameterTarget target)
    {
        var value = target.Replacement.Value;
        var dims = target.Tensor.Dims.SkipWhile(dim => dim == 1).ToArray();
        var wanted = value.Shape.Dims.ToArray().SkipWhile(dim => dim == 1).ToArray();
        if (!dims.SequenceEqual(wanted))
            return $"'{target.Edges[0].Value}' in the graph is {new TensorShape([.. target.Tensor.Dims])}, the new value {value.Shape}";

        if (target.Edges.FirstOrDefault(edge => edge.Input == 2 && edge.Node.Is("Gemm") && edge.Node.Float("beta", 1) != 1).Node is { } scaled)
            return $"node '{scaled.Name}' multiplies it with a beta, so it is not the module's own";

        return OnnxTensor.TypeOf(target.Tensor.DataType) is { } type && StoredWeight.IsWritable(type)
            ? null
            : "it is stored in a type that cannot be changed";
    }
}
