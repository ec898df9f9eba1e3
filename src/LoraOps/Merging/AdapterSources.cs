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
        var (read, problems) = (new List<WeightedAdapter>(), new List<Problem>());
        foreach (var source in sources)
        {
            try
            {
                read.Add(new WeightedAdapter(PeftReader.Read(source.Folder, source.Name, residualBase), source.Weight));
            }
            catch (LoraOpsException wrong)
            {
                problems.AddRange(wrong.Problems);
            }
        }

        return problems.Count == 0 ? read : throw new LoraOpsException(problems);
    }
}
