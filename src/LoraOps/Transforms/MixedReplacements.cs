using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>
/// Mixes what adapters replace as a whole (saved modules, trained biases): W + Σ w · (S − W) over the owners, or one adapter's
/// own. Without a base it is the weighted average, which is the same if the weights have the sum 1.
/// </summary>
internal sealed class MixedReplacements(MixRequest request, OriginalWeights? original, ICollection<Problem> problems, ICollection<string> warnings)
{
    private const double Negligible = 1e-9;

    /// <summary>The parameters of the new adapter by full name.</summary>
    public IReadOnlyList<Replacement> Mix() =>
    [
        .. request.Adapters
            .SelectMany(source => source.Adapter.Replacements, (source, replacement) => (Source: source, Own: replacement))
            .GroupBy(owner => owner.Own.FullName)
            .OrderBy(owners => owners.Key, StringComparer.Ordinal)
            .Select(owners => Mix([.. owners]))
            .OfType<Replacement>(),
    ];

    private Replacement? Mix(IReadOnlyList<(WeightedAdapter Source, Replacement Own)> owners)
    {
        var (first, own) = owners[0];
        if (owners.FirstOrDefault(owner => owner.Source.Adapter.Name == request.Keep).Own is { } kept)
            return kept;

        if (owners.FirstOrDefault(owner => !owner.Own.Value.Shape.Equals(own.Value.Shape)) is { Own: { } other, Source: { } where })
        {
            problems.Add(MixProblems.ShapesDiffer(
                where.Adapter.Folder, own.FullName, other.Value.Shape.ToString(), first.Adapter.Name, own.Value.Shape.ToString()));
            return null;
        }

        if (owners is [{ Source.Weight: 1 }])
            return own;

        return Average(owners) is { } value ? own with { Value = value } : null;
    }

    private AveragedTensor? Average(IReadOnlyList<(WeightedAdapter Source, Replacement Own)> owners)
    {
        var own = owners[0].Own;
        var names = string.Join(", ", owners.Select(owner => owner.Source.Adapter.Name));
        var start = original?.Of(own);
        if (start is not null && !start.Shape.Equals(own.Value.Shape))
            start = null;

        var sum = owners.Sum(owner => owner.Source.Weight);
        if (start is null && Math.Abs(sum) < Negligible)
        {
            problems.Add(MixProblems.BaseNeeded(owners[0].Source.Adapter.Folder, [own.FullName], "a weighted sum of saved modules whose weights cancel"));
            return null;
        }

        if (start is null && Math.Abs(sum - 1) > Negligible)
        {
            warnings.Add(
                $"'{own.FullName}' is the average of {names} by weight; what their changes of the base add up to takes --base, --keep NAME takes one");
            return new AveragedTensor(own.FullName, null, Terms(owners, sum));
        }

        warnings.Add($"'{own.FullName}' is saved whole: the changes of {names} are added by weight; --keep NAME takes one as it is");
        return new AveragedTensor(own.FullName, start, Terms(owners, 1));
    }

    private static (double Factor, Tensor Value)[] Terms(IReadOnlyList<(WeightedAdapter Source, Replacement Own)> owners, double divisor) =>
        [.. owners.Select(owner => (owner.Source.Weight / divisor, owner.Own.Value))];
}
