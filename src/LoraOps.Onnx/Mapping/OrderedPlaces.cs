using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// The last resort for graphs without any names: the n-th layer's module is the n-th node, if the graph has as many nodes of
/// that kind and shape as there are such modules, and all of these modules play one role.
/// </summary>
internal sealed class OrderedPlaces(IReadOnlyList<WeightUse> uses)
{
    private readonly IReadOnlyList<WeightUse> _uses = uses;

    /// <summary>The module's node; null if the counts differ, the modules play several roles, or the nodes do have names.</summary>
    /// <param name="wanted">The module.</param>
    /// <param name="all">All modules that are known, this one included.</param>
    /// <param name="warning">What the user should check.</param>
    public Candidate? Find(WantedWeight wanted, IEnumerable<WantedWeight> all, out string warning)
    {
        warning = "";
        var role = Role(wanted.Module);
        var alike = all.Where(other => other.Layer == wanted.Layer && other.Shape.Equals(wanted.Shape))
            .Select(other => other.Module).Distinct().ToList();
        if (alike.Any(other => Role(other) != role))
            return null;

        alike.Sort(static (left, right) => Numbers(left).SequenceCompareTo(Numbers(right)));
        var nodes = _uses.Where(use => wanted.HasColumnsOf(use) && use.Shape.Equals(wanted.Shape)).ToList();
        if (alike.Count != nodes.Count || nodes.Any(HasName) || alike.IndexOf(wanted.Module) is var place && place < 0)
            return null;

        warning = Warning(role, wanted.Shape, alike, nodes);
        return new Candidate(new WeightPlace(nodes[place]), [new Evidence(EvidenceTier.Order, NameMatch.Exact)]);
    }

    private static string Warning(string role, TensorShape shape, List<ModuleName> modules, List<WeightUse> nodes) => string.Create(
        CultureInfo.InvariantCulture,
        $"The graph has no names: {modules.Count} modules '{role}' {shape} were put by their order alone, '{modules[0]}' to '{nodes[0].Name}'"
        + $", '{modules[^1]}' to '{nodes[^1].Name}'. Compare the outputs with PyTorch's before you use the model, or give --base or --map.");

    private static bool HasName(WeightUse use) => use.MetadataModule is not null || use.PathModule is not null
        || use.Name.EndsWith(".weight", StringComparison.Ordinal) || (use.Bias?.Value.EndsWith(".bias", StringComparison.Ordinal) ?? false);

    private static string Role(ModuleName module) => string.Join('.', module.Segments.Select(part => IsNumber(part) ? "#" : part));

    private static int[] Numbers(ModuleName module) =>
        [.. module.Segments.Where(IsNumber).Select(part => int.Parse(part, CultureInfo.InvariantCulture))];

    private static bool IsNumber(string part) => part.Length is > 0 and < 9 && part.All(char.IsAsciiDigit);
}
