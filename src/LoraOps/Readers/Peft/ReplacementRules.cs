using System.Collections.Frozen;
using LoraOps.Adapters;

namespace LoraOps.Readers.Peft;

/// <summary>Which tensors that belong to no method are whole parameters that PEFT saves, and which would be dropped.</summary>
internal sealed class ReplacementRules(AdapterConfig config, IReadOnlySet<ModuleName> adapted)
{
    // PEFT saves the embeddings when they are targeted or the vocabulary was changed, without a word in the config.
    private static readonly FrozenSet<string> Embeddings = ((string[])
        ["embed_tokens", "lm_head", "wte", "word_embeddings", "shared", "embed_in", "embed_out", "tok_embeddings"])
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The reason why this tensor would be dropped, or null if it is a replacement.</summary>
    public string? WhyNot(PeftKey key)
    {
        if (key.IsSavedModule || IsSaved(key.Module))
            return null;

        var isAdapted = adapted.Contains(key.Module);
        return (key.Parameter, config.Bias) switch
        {
            ("bias", "all") => null,
            ("bias", _) when isAdapted && config.TrainsOwnBias => null,
            ("bias", _) => $"the config's bias is '{config.Bias}' and its modules_to_save do not name it",
            ("weight", _) when isAdapted && key.IsWrapped => null,
            ("weight", _) when Embeddings.Contains(key.Module.Segments[^1]) => null,
            _ => "it belongs to no adapted module, no saved module and no bias",
        };
    }

    /// <summary>True if this is a bias trained through the config's field and no part of a saved module.</summary>
    public bool IsTrainedBias(PeftKey key) => key.Parameter == "bias" && !key.IsSavedModule && !IsSaved(key.Module);

    private bool IsSaved(ModuleName module) => config.ModulesToSave.Any(name =>
        $".{module}.".Contains($".{name}.", StringComparison.Ordinal));
}
