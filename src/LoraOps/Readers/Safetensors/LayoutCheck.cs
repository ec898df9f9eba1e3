using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Safetensors;

/// <summary>Checks that the tensors of a header cover the data completely and once.</summary>
internal static class LayoutCheck
{
    /// <summary>The entries in the order of their bytes; entries of no bytes keep the order of the header.</summary>
    /// <exception cref="LoraOpsException">A size, a range or the length of the file is wrong.</exception>
    public static IReadOnlyList<HeaderEntry> Order(string path, IReadOnlyList<HeaderEntry> entries, long dataLength)
    {
        var problems = new ProblemList();
        foreach (var entry in entries)
        {
            if (SizeProblem(path, entry) is { } problem)
                problems.Add(problem);
        }

        problems.ThrowIfAny();
        var ordered = entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End).ToList();
        var end = 0L;
        for (var i = 0; i < ordered.Count; i++)
        {
            var entry = ordered[i];
            if (entry.Begin < end)
                problems.Add(SafetensorsProblems.RangeOverlap(path, entry.Name, ordered[i - 1].Name, entry.Begin, end));
            else if (entry.Begin > end)
                problems.Add(SafetensorsProblems.RangeHole(path, entry.Name, entry.Begin, end));

            end = Math.Max(end, entry.End);
        }

        if (end > dataLength)
            problems.Add(SafetensorsProblems.DataShort(path, end, dataLength));
        else if (end < dataLength)
            problems.Add(SafetensorsProblems.DataTrailing(path, end, dataLength));

        problems.ThrowIfAny();
        return ordered;
    }

    private static Problem? SizeProblem(string path, HeaderEntry entry)
    {
        if (entry.End < entry.Begin)
            return SafetensorsProblems.RangeReversed(path, entry.Name, entry.Begin, entry.End);

        var shape = entry.Shape.ToString();
        var bits = (UInt128)entry.Shape.ElementCount * (uint)entry.Type.Bits();
        if (bits % 8 != 0)
            return SafetensorsProblems.SubByte(path, entry.Name, shape, entry.Type.Name());

        if (bits / 8 > long.MaxValue)
            return SafetensorsProblems.SizeOverflow(path, entry.Name, shape, entry.Type.Name());

        var size = (long)(bits / 8);
        if (size == entry.End - entry.Begin)
            return null;

        var expected = $"shape {shape} of {entry.Type.Name()} takes {size}";
        return SafetensorsProblems.SizeMismatch(path, entry.Name, expected, entry.End - entry.Begin);
    }
}
