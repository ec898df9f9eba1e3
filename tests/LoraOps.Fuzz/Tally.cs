using LoraOps.Problems;

namespace LoraOps.Fuzz;

/// <summary>What the cases of one target came to.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<string, long> _codes = new(StringComparer.Ordinal);
    private long _accepted;
    private long _mostAllocated;
    private long _worstCase;
    private double _worstShare;
    private double _worstRatio;

    /// <summary>The cases so far.</summary>
    public long Cases { get; private set; }

    /// <summary>Counts a case.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="error">Why it was refused; null if it was accepted.</param>
    /// <param name="allocated">The bytes that it took.</param>
    /// <param name="limit">The most that it may take.</param>
    /// <param name="size">The bytes of its files.</param>
    public void Add(long number, LoraOpsException? error, long allocated, long limit, long size)
    {
        Cases++;
        _accepted += error is null ? 1 : 0;
        foreach (var id in error?.Problems.Select(problem => problem.Id).Distinct() ?? [])
            _codes[id] = _codes.GetValueOrDefault(id) + 1;

        _mostAllocated = Math.Max(_mostAllocated, allocated);
        if ((double)allocated / limit > _worstShare)
            (_worstShare, _worstCase) = ((double)allocated / limit, number);

        // Of a file of a few bytes the constant is all there is.
        if (size >= 1 << 16)
            _worstRatio = Math.Max(_worstRatio, (double)allocated / size);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var codes = string.Join(' ', _codes.Select(code => $"{code.Key[4..]}:{code.Value}"));
        return FormattableString.Invariant(
            $"{Cases,9} cases, {_accepted} accepted, most allocated {_mostAllocated} bytes, {_worstShare:p1} of the limit in case {_worstCase}; ") +
            FormattableString.Invariant($"{_worstRatio:f2} x files from 64 KiB\n    {codes}");
    }
}
