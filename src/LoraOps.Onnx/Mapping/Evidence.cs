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

    /// <summary>The module names that a node bears, each with its tier.</summary>
    public static IReadOnlyList<(EvidenceTier Tier, string Name)> Names(WeightUse use, FoldedNames folded)
    {
        var names = new List<(EvidenceTier, string?)>
        {
            (EvidenceTier.ExactName, Owner(use.Name, ".weight") ?? Owner(use.Name, ".in_proj_weight")),
            (EvidenceTier.Metadata, use.MetadataModule),
            (EvidenceTier.BiasAnchor, Owner(use.Bias?.Value, ".bias") ?? Owner(use.Bias?.Value, ".in_proj_bias")),
            (EvidenceTier.NodePath, use.PathModule),
        };
        names.AddRange(folded.Of(use.Name).Select(source => (EvidenceTier.Metadata, Owner(source, ".weight") ?? Owner(source, ".in_proj_weight"))));
        return [.. names.Where(name => name.Item2 is not null).Select(name => (name.Item1, name.Item2!))];
    }

    /// <summary>Every tier that names the module, under any of its aliases.</summary>
    public static IReadOnlyList<Evidence> For(IReadOnlyList<ModuleName> aliases, IReadOnlyList<(EvidenceTier Tier, string Name)> names)
    {
        var found = new List<Evidence>();
        foreach (var (tier, name) in names)
        {
            var best = aliases.MaxBy(alias => ModulePath.Agreement(alias.Value, name)).Value;
            if (ModulePath.Compare(best, name) is var match and not NameMatch.None)
                found.Add(new Evidence(tier, match, ModulePath.Agreement(best, name)));
        }

        return [.. found.GroupBy(evidence => evidence.Tier).Select(tier => tier.MaxBy(evidence => evidence.Agreement))];
    }

    private static string? Owner(string? parameter, string suffix) =>
        parameter is not null && parameter.EndsWith(suffix, StringComparison.Ordinal) ? parameter[..^suffix.Length] : null;
}
