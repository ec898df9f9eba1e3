using LoraOps.Problems;

namespace LoraOps.Adapters;

/// <summary>What every plan asks that makes weights of adapters, before anything else.</summary>
public static class Mergeable
{
    /// <summary>Refuses adapters that do something which no weight can take in (<see cref="Delta.Refusal"/>).</summary>
    /// <param name="adapters">The adapters.</param>
    /// <exception cref="LoraOpsException">Every such change.</exception>
    public static void Require(IEnumerable<Adapter> adapters)
    {
        var problems = adapters.SelectMany(adapter => adapter.Modules).Select(module => module.Delta.Refusal).OfType<Problem>().ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }
}
