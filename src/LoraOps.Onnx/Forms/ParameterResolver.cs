using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

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
        var named = _modules.Base?.Weights.Find([.. ModuleAliases.Moved(replacement.Module)], replacement.Parameter);
        if (target?.Factors is not null)
            target = target with { Old = named?.ToFloats() };

        var reason = target is null ? Missing(replacement) : Fault(target);
        if (target is null || reason is not null)
        {
            problems.Add(MappingProblems.ParameterUnmapped(_model.Path, replacement.FullName, reason ?? ""));
            return null;
        }

        var isComparable = named is not null && target.Factors is null;
        if (isComparable && _modules.Base!.Difference(named!, _index.Stored(target.Edges[0])!, target.Rows) is { } difference)
        {
            problems.Add(MappingProblems.BaseDiffers(_model.Path, replacement.FullName, target.Edges[0].Value, difference));
            return null;
        }

        return target with { IsVerified = isComparable || target.Factors is not null };
    }

    private ParameterTarget? BesideWeight(Replacement replacement, Resolution module)
    {
        var edges = module.Uses.Select(use => use.Bias).OfType<Edge>().ToList();
        var isOne = edges.Count == module.Places.Count && edges.Select(_index.Stored).Distinct<object?>(ReferenceEqualityComparer.Instance).Count() == 1;
        var place = module.Places[0];
        return isOne && module.Places.All(other => other.Part is null && other.Rows == place.Rows)
            ? new ParameterTarget(replacement, edges, module.Evidence) { Rows = place.Rows, Factors = place.Factors }
            : null;
    }

    private ParameterTarget? ByName(Replacement replacement)
    {
        var aliases = ModuleAliases.Moved(replacement.Module).Distinct().ToList();
        var matches = _index.TensorNames
            .Select(name => (name, Match: aliases.Max(alias => ModulePath.Compare(alias.Parameter(replacement.Parameter), name))))
            .Where(pair => pair.Match != NameMatch.None)
            .ToList();
        var best = matches.Count == 0 ? NameMatch.None : matches.Max(pair => pair.Match);
        var names = matches.Where(pair => pair.Match == best).Select(pair => pair.name).ToList();
        if (names.Count != 1)
            return ByContent(replacement, aliases);

        // Exporters store equal vectors once: readers that name another module keep the old value.
        var edges = _index.Consumers(names[0]).Where(edge => !NamesAnother(edge.Node, aliases)).ToList();
        return edges.Count == 0 ? null : new ParameterTarget(replacement, edges, [EvidenceTier.ExactName]);
    }

    // A vector without a name: the only stored one with the base's values.
    private ParameterTarget? ByContent(Replacement replacement, List<ModuleName> aliases)
    {
        if (_modules.Base is not { } known || known.Weights.Find(aliases, replacement.Parameter) is not { } named)
            return null;

        var names = _index.TensorNames.Where(name => _index.Stored(name) is { } tensor
            && OnnxTensor.TypeOf(tensor.DataType) is { } type && StoredWeight.IsWritable(type) && known.Difference(named, tensor, null) is null).ToList();
        return names is [var only] && _index.Consumers(only) is { Count: > 0 } edges
            ? new ParameterTarget(replacement, [.. edges], [EvidenceTier.Content])
            : null;
    }

    private static bool NamesAnother(NodeProto node, List<ModuleName> aliases) =>
        (ModulePath.FromMetadata(node) ?? ModulePath.FromNodeName(node.Name)) is { } owner
        && aliases.All(alias => ModulePath.Compare(alias.Value, owner) == NameMatch.None);

    private string Missing(Replacement replacement) => "the graph has no such parameter" + NearMisses.Phrase(
        replacement.FullName, _index.TensorNames.Concat(_modules.Uses.Select(use => $"{use.ModuleGuess}.{replacement.Parameter}")));

    private string? Fault(ParameterTarget target)
    {
        var (value, tensor) = (target.Replacement.Value, _index.Stored(target.Edges[0])!);
        var dims = tensor.Dims.SkipWhile(dim => dim == 1).ToArray();
        var wanted = value.Shape.Dims.ToArray().SkipWhile(dim => dim == 1).ToArray();
        var fits = target.Rows is { } rows ? dims.Length == 1 && rows.End <= dims[0] && value.Shape.ElementCount == rows.Count : dims.SequenceEqual(wanted);
        if (!fits)
            return $"'{target.Edges[0].Value}' in the graph is {new TensorShape([.. tensor.Dims])}, the new value {value.Shape}";

        if (target.Factors is not null && target.Old?.Length != value.Shape.ElementCount)
            return "a batch norm was folded into it and the base does not hold its old value";

        if (target.Edges.FirstOrDefault(edge => edge.Input == 2 && edge.Node.Is("Gemm") && edge.Node.Float("beta", 1) != 1).Node is { } scaled)
            return $"node '{scaled.Name}' multiplies it with a beta, so it is not the module's own";

        return OnnxTensor.TypeOf(tensor.DataType) is { } type && StoredWeight.IsWritable(type)
            ? null
            : "it is stored in a type that cannot be changed";
    }
}
