using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>The samples of several sets in turn: the first of each, the second of each, and so on until all are there.</summary>
/// <param name="Samples">All samples; arrays that not all sets have are left out.</param>
/// <param name="Rows">For each sample the number of its set, and its own there.</param>
public sealed record Interleaving(SampleSet Samples, IReadOnlyList<(int Set, int Sample)> Rows)
{
    /// <summary>Takes the sets in turn.</summary>
    /// <param name="sets">At least one.</param>
    /// <param name="pads">Samples that are smaller than in another set are filled up with zeros at their end, as sequences of tokens are.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">An array has other types or dimensions than in the first set.</exception>
    public static Interleaving Of(IReadOnlyList<SampleSet> sets, bool pads = false)
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
        var samples = SampleSet.Combine(sets, (name, parts) => new InterleavedTensor(name, parts, rows), pads ? Padded : parts => parts);
        return new Interleaving(samples, rows);
    }

    // What differs in more than its sizes stays as it is, and is refused.
    private static List<Tensor> Padded(List<Tensor> parts)
    {
        var rank = parts[0].Shape.Rank;
        if (rank == 0 || parts.Exists(part => part.Shape.Rank != rank))
            return parts;

        long[] largest = [.. Enumerable.Range(1, rank - 1).Select(axis => parts.Max(part => part.Shape[axis]))];
        return [.. parts.Select(part => new PaddedTensor(part, new TensorShape([part.Shape[0], .. largest])))];
    }
}
