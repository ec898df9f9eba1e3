using LoraOps.Adapters;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>What the configs of some adapters agree on.</summary>
internal static class AdapterFields
{
    /// <summary>The fields of an adapter that is made of these.</summary>
    /// <param name="adapters">At least one.</param>
    /// <param name="rank">r of the new one.</param>
    public static PeftFields Of(IReadOnlyList<Adapter> adapters, int rank) => new()
    {
        Rank = rank,
        BaseModel = Agreed(adapters, config => config.BaseModel),
        TaskType = Agreed(adapters, config => config.Values.Text("task_type")),
        FanInFanOut = adapters.Any(adapter => adapter.Config.FanInFanOut),
        Bias = adapters.Any(adapter => adapter.Config.Bias == "all") ? "all" : adapters.Any(adapter => adapter.Config.TrainsOwnBias) ? "lora_only" : "none",
    };

    private static string? Agreed(IReadOnlyList<Adapter> adapters, Func<AdapterConfig, string?> field)
    {
        var said = adapters.Select(adapter => field(adapter.Config)).OfType<string>().Distinct().Take(2).ToList();
        return said.Count == 1 ? said[0] : null;
    }
}
