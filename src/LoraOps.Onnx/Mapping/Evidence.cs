using LoraOps.Adapters;

namespace LoraOps.Onnx.Mapping;

/// <summary>What says that a node is a module's, strongest first.</summary>
public enum EvidenceTier
{
    /// <summary>The user's mapping file.</summary>
    Map,

    /// <summary>The initializer is called <c>MODULE.weight</c>.</summary>
    ExactName,

    /// <summary>torch.export recorded the module on the node, or the parameter on the folded value.</summary>
    Metadata,

    /// <summary>The bias that is added behind the node is called <c>MODULE.bias</c>.</summary>
    BiasAnchor,

    /// <summary>The node's name is the module's path.</summary>
    NodePath,

    /// <summary>The values are those of the base's module.</summary>
    Content,

    /// <summary>The module is the n-th of its kind and shape, and so is the node.</summary>
    Order,
}

/// <summary>One tier's word on one node.</summary>
/// <param name="Tier">Who says it.</param>
/// <param name="Match">How exactly the names agree.</param>
/// <param name="Agreement">How much of them agrees (<see cref="ModulePath.Agreement"/>).</param>
public readonly record struct Evidence(EvidenceTier Tier, NameMatch Match, int Agreement = int.MaxValue);

/// <summary>Collects what speaks for a node being a module's.</summary>
public static class EvidenceTiers
{
    /// <summary>All tiers, strongest first.</summary>
    public static IReadOnlyList<EvidenceTier> All { get; } = Enum.GetValues<EvidenceTier>();

    /// <summary>The kebab-case name that <c>--explain</c> prints.</summary>
    public static string Name(this EvidenceTier tier) => tier switch
    {
        EvidenceTier.Map => "map-file",
        EvidenceTier.ExactName => "exact-name",
        EvidenceTier.Metadata => "metadata",
        EvidenceTier.BiasAnchor => "bias-anchor",
        EvidenceTier.NodePath => "node-path",
        EvidenceTier.Content => "weight-content",
        _ => "shape-and-order",
    };

    /// <summary>Every tier that names the module, under any of its aliases.</summary>
    public static IReadOnlyList<Evidence> For(IReadOnlyList<ModuleName> aliases, WeightUse use, FoldedNames folded)
    {
        var found = new List<Evidence>();
        Add(EvidenceTier.ExactName, Owner(use.Name, ".weight") ?? Owner(use.Name, ".in_proj_weight"));
        Add(EvidenceTier.Metadata, use.MetadataModule);
        foreach (var source in folded.Of(use.Name))
            Add(EvidenceTier.Metadata, Owner(source, ".weight"));

        Add(EvidenceTier.BiasAnchor, Owner(use.Bias?.Value, ".bias") ?? Owner(use.Bias?.Value, ".in_proj_bias"));
        Add(EvidenceTier.NodePath, use.PathModule);
        return [.. found.GroupBy(evidence => evidence.Tier).Select(tier => tier.MaxBy(evidence => evidence.Agreement))];

        void Add(EvidenceTier tier, string? name)
        {
            var alias = name is null ? null : (ModuleName?)aliases.MaxBy(alias => ModulePath.Agreement(alias.Value, name));
            if (alias is { } best && ModulePath.Compare(best.Value, name!) is var match and not NameMatch.None)
                found.Add(new Evidence(tier, match, ModulePath.Agreement(best.Value, name!)));
        }
    }

    private static string? Owner(string? parameter, string suffix) =>
        parameter is not null && parameter.EndsWith(suffix, StringComparison.Ordinal) ? parameter[..^suffix.Length] : null;
}
