using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>The samples of several sets in turn: the first of each, the second of each, and so on until all are there.</summary>
/// <param name="Samples">All samples; arrays that not all sets have are left out.</param>
/// <param name="Sources">For each sample the number of its set.</param>
public sealed record Interleaving(SampleSet Samples, IReadOnlyList<int> Sources)
{
    /// <summary>Takes the sets in turn.</summary>
    /// <param name="sets">At least one.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">An array has other types or dimensions than in the first set.</exception>
    public static Interleaving Of(IReadOnlyList<SampleSet> sets)
    {
        ArgumentNullException.ThrowIfNull(sets);
        var longest = sets.Max(set => set.Count);
        List<(int Part, int Row)> rows =
        [
            .. from row in Enumerable.Range(0, longest)
               from part in Enumerable.Range(0, sets.Count)
               where row < sets[part].Count
               select (part, row),
        ];
        var samples = SampleSet.Combine(sets, (name, parts) => new InterleavedTensor(name, parts, rows));
        return new Interleaving(samples, [.. rows.Select(row => row.Part)]);
    }
}
