using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;

namespace LoraOps.Transforms;

/// <summary>One adapter that becomes plain LoRA, its layers named as the base names them.</summary>
internal sealed class SingleAdapter : IDisposable
{
    private readonly OriginalWeights? _original;

    private SingleAdapter(Adapter adapter, OriginalWeights? original)
    {
        Adapter = adapter;
        _original = original;
    }

    /// <summary>The adapter.</summary>
    public Adapter Adapter { get; }

    /// <summary>What is odd about the adapter and the base.</summary>
    public IEnumerable<string> Warnings => [.. Adapter.Warnings, .. _original?.Warnings ?? []];

    /// <summary>Opens the base if there is one.</summary>
    /// <exception cref="LoraOpsException">It cannot be read, a layer has another shape than the adapter needs, or a change has no weight.</exception>
    public static SingleAdapter Open(Adapter adapter, string? basePath)
    {
        Mergeable.Require([adapter]);
        if (basePath is null)
            return new SingleAdapter(adapter, null);

        var original = OriginalWeights.Open(basePath, [adapter]);
        return new SingleAdapter(original.Adapters[0], original);
    }

    /// <summary>Gathers what is written, and finds what is wrong with it and its place.</summary>
    /// <param name="place">The output, and whether an existing one may be replaced.</param>
    /// <param name="keepsNorms">DoRA stays DoRA.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public IReadOnlyList<MixedModule> Modules((string Output, bool Overwrite) place, bool keepsNorms, List<Problem> problems)
    {
        Checkpoint[] checkpoints = _original is null ? [] : [_original.Model.Weights.Files];
        problems.AddRange(OutputCheck.Problems(checkpoints, [new WeightedAdapter(Adapter)], place.Output, place.Overwrite));
        if (Adapter.Modules.FirstOrDefault(module => module.Name.IsFlat) is { } flat)
        {
            problems.Add(MixProblems.NamesNeedBase(Adapter.Folder, flat.Name.Value));
            return [];
        }

        if (Adapter.Modules.Count == 0)
            problems.Add(MixProblems.NoModules(Adapter.Folder));

        return new MixModules([Adapter], _original, problems) { KeepsNorms = keepsNorms }.Gather();
    }

    /// <summary>The true delta of a module; DoRA's as well.</summary>
    public DeltaMatrix Delta(MixedModule module) => DeltaMatrices.Of(module.Owners[0].Weight.Delta, _original?.Of(module.Owners[0].Weight));

    /// <summary>The factors of a module whose method has some: of DoRA those whose sum with the base its norms rescale.</summary>
    public LowRank Factors(MixedModule module) =>
        module.Owners[0].Weight.Delta is DoraDelta dora ? DeltaMatrices.Of(dora.Factors) : (LowRank)Delta(module);

    /// <inheritdoc/>
    public void Dispose() => _original?.Dispose();
}
