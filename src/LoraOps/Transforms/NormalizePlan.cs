using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>
/// Brings an adapter into plain form without changing what it does: the scale in B, alpha = r, no alpha_pattern, no rsLoRA, and one
/// rank everywhere unless ranks are kept. Norms of DoRA, biases and saved modules stay; other methods' factors become LoRA's.
/// </summary>
public sealed class NormalizePlan : IDisposable
{
    private readonly NormalizeRequest _request;
    private readonly SingleAdapter _source;
    private readonly IReadOnlyList<MixedModule> _modules;
    private readonly Lazy<Dictionary<ModuleName, int>> _ranks;

    private NormalizePlan(NormalizeRequest request, SingleAdapter source)
    {
        _request = request;
        _source = source;
        var problems = new List<Problem>();
        foreach (var (name, delta, _) in source.Adapter.Modules.Where(module => HasNoFactors(module.Delta)))
            problems.Add(MixProblems.NoFactors(source.Adapter.Folder, name.Value, delta.Method));

        _modules = problems.Count > 0 ? [] : source.Modules((request.Output, request.Overwrite), keepsNorms: true, problems);
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        _ranks = new(() => _modules.ToDictionary(module => module.Name, RankOf));
        var methods = _modules.Select(module => module.Owners[0].Weight.Delta).Where(delta => delta is not (LoraDelta or DoraDelta))
            .Select(delta => delta.Method).Distinct();
        Warnings = [.. source.Warnings, .. methods.Select(method => $"{method} becomes plain LoRA of the same change")];
    }

    /// <summary>What is odd about the adapter, and what becomes another method.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>How many modules the adapter has.</summary>
    public int ModuleCount => _modules.Count;

    /// <summary>The modules and their ranks.</summary>
    public IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> Planned => Results.Planned(_modules);

    /// <summary>Plans the rewriting of an adapter.</summary>
    /// <exception cref="LoraOpsException">Everything that is wrong.</exception>
    public static NormalizePlan Make(NormalizeRequest request)
    {
        var source = SingleAdapter.Open(request.Adapter, request.Base);
        try
        {
            return new NormalizePlan(request, source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Writes the new adapter; it appears whole or not at all.</summary>
    /// <param name="progress">Told the modules that are done; null if nobody looks.</param>
    /// <param name="stop">Ends the run and leaves nothing.</param>
    /// <exception cref="LoraOpsException">A value is not finite, or the output cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TransformSummary Run(Action<int>? progress = null, CancellationToken stop = default)
    {
        var biases = new ModuleBiases(_modules, [1]);
        return new AdapterJob<MixedModule>
        {
            Output = _request.Output,
            Overwrite = _request.Overwrite,
            Fields = Fields(),
            Modules = _modules,
            NameOf = module => module.Name.Value,
            Work = module => Normalized(module, biases),
            BytesOf = module => 8L * sizeof(double) * (module.Rows + module.Columns) * _ranks.Value[module.Name],
            MemoryBytes = _request.MemoryBytes,
            Replacements = _source.Adapter.Replacements,
            Warnings = Warnings,
        }.Run(progress, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static bool HasNoFactors(Delta delta) => delta is { Parameter: "weight", IsProduct: false, Replaces: false } and not DoraDelta;

    private (WrittenModule Module, ModuleOutcome Outcome) Normalized(MixedModule module, ModuleBiases biases)
    {
        var factors = _source.Factors(module);
        var norm = Math.Sqrt(Truncation.Of(factors, RankRule.Exact).Energy);
        var magnitude = module.Owners[0].Weight.Delta is DoraDelta dora ? Array.ConvertAll(dora.Magnitude.ToFloats(), value => (double)value) : null;
        return (
            Results.Module(module, factors, biases.Of(module)) with { Magnitude = magnitude },
            new ModuleOutcome(module.Name.Value, module.Shape, Results.Ranks(module), WrittenRank(module), norm, 0));
    }

    private PeftFields Fields()
    {
        var fields = AdapterFields.Of([_source.Adapter], NominalRank()) with { IsUniform = !_request.KeepsRanks };
        return fields with { Type = ExactType.Of(_modules, module => _source.Factors(module).Scale * WrittenRank(module) / fields.Rank) };
    }

    private int NominalRank() => _request.KeepsRanks && !_source.Adapter.IsBare && _ranks.Value.ContainsValue(_source.Adapter.Config.Rank)
        ? _source.Adapter.Config.Rank
        : _ranks.Value.Values.Max();

    private int WrittenRank(MixedModule module) => _request.KeepsRanks ? _ranks.Value[module.Name] : _ranks.Value.Values.Max();

    // Of other methods only the factors themselves tell.
    private int RankOf(MixedModule module) =>
        Math.Max(1, module.Owners[0].Weight.Delta is LoraDelta or DoraDelta ? module.Owners[0].Weight.Delta.Rank : _source.Factors(module).Rank);
}
