using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>Arrays that lie in parts whose samples need not have one shape: sequences of tokens of different lengths, images of different sizes.</summary>
internal static class RaggedSamples
{
    /// <summary>True if the parts are samples of one array: one type and as many axes.</summary>
    public static bool CanFollow(IReadOnlyList<Tensor> parts) => parts.All(part =>
        part.Type == parts[0].Type && part.Shape.Rank == parts[0].Shape.Rank && part.Shape.Rank > 0);

    /// <summary>All samples of an array in one tensor; those that are smaller than others are filled up with zeros at their end.</summary>
    public static Tensor Whole(string name, IReadOnlyList<Tensor> parts)
    {
        if (parts.Count == 1)
            return parts[0];

        long[] largest = [.. Enumerable.Range(1, parts[0].Shape.Rank - 1).Select(axis => parts.Max(part => part.Shape[axis]))];
        return new JoinedTensor(name, JoinedTensor.CanJoin(parts)
            ? parts
            : [.. parts.Select(part => new PaddedTensor(part, new TensorShape([part.Shape[0], .. largest])))]);
    }

    /// <summary>The samples in order, cut where the shape of an array changes.</summary>
    /// <param name="arrays">The parts of each array; all arrays have as many samples.</param>
    /// <returns>The arrays of each piece; one piece if no shape changes.</returns>
    public static IReadOnlyList<IReadOnlyList<Tensor>> Pieces(IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parts)> arrays)
    {
        var cuts = new SortedSet<long> { 0 };
        foreach (var (_, parts) in arrays)
        {
            var at = 0L;
            for (var i = 0; i < parts.Count; i++)
            {
                if (i > 0 && !JoinedTensor.CanJoin([parts[i - 1], parts[i]]))
                    cuts.Add(at);

                at += parts[i].Shape[0];
            }
        }

        cuts.Add(arrays[0].Parts.Sum(part => part.Shape[0]));
        return [.. cuts.Zip(cuts.Skip(1), (from, to) => arrays.Select(array => Rows(array.Name, array.Parts, from, to)).ToList())];
    }

    private static Tensor Rows(string name, IReadOnlyList<Tensor> parts, long from, long to)
    {
        var taken = new List<Tensor>();
        var rows = new List<(int Part, int Row)>();
        var at = 0L;
        foreach (var part in parts)
        {
            var (first, end) = (Math.Max(from, at), Math.Min(to, at + part.Shape[0]));
            for (var row = first; row < end; row++)
                rows.Add((taken.Count, (int)(row - at)));

            if (first < end)
                taken.Add(part);

            at += part.Shape[0];
        }

        return rows.Count == taken.Sum(part => part.Shape[0])
            ? taken is [var only] ? only : new JoinedTensor(name, taken)
            : new InterleavedTensor(name, taken, rows);
    }
}
