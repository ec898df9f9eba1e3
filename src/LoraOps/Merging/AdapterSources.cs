using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Readers.Peft;

namespace LoraOps.Merging;

/// <summary>Reads several adapters.</summary>
public static class AdapterSources
{
    /// <summary>Reads every adapter; what is wrong with any of them is told at once.</summary>
    /// <param name="sources">Folders, names and weights.</param>
    /// <param name="residualBase">The base is the one that PiSSA, OLoRA … left behind.</param>
    /// <exception cref="LoraOpsException">An adapter is wrong.</exception>
    public static IReadOnlyList<WeightedAdapter> Read(IReadOnlyList<AdapterSource> sources, bool residualBase = false)
    {
        // Each file is read as a whole for its digest.
        var read = sources.AsParallel().AsOrdered().Select(source => Read(source, residualBase)).ToList();
        return read.SelectMany(one => one.Problems).ToList() is { Count: > 0 } problems
            ? throw new LoraOpsException(problems)
            : [.. read.Select(one => one.Adapter).OfType<WeightedAdapter>()];
    }

    private static (WeightedAdapter? Adapter, IReadOnlyList<Problem> Problems) Read(AdapterSource source, bool residualBase)
    {
        try
        {
            return (new WeightedAdapter(PeftReader.Read(source.Folder, source.Name, residualBase), source.Weight), []);
        }
        catch (LoraOpsException wrong)
        {
            return (null, wrong.Problems);
        }
    }
}
