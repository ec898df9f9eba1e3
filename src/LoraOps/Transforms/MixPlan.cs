using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>A mix that has been checked completely and only needs to be run. A base stays open until it is disposed.</summary>
public sealed class MixPlan : IDisposable
{
    private readonly MixRequest _request;
    private readonly OriginalWeights? _original;
    private readonly IReadOnlyList<Replacement> _replacements;

    private readonly PeftDefects _defects;

    private MixPlan(MixRequest request, PeftDefects defects, OriginalWeights? original, (List<Problem> Problems, List<string> Warnings) findings)
    {
        (_request, _defects) = (request, defects);
        _original = original;
        var (problems, warnings) = findings;
        foreach (var adapter in request.Adapters.Select(source => source.Adapter))
        {
            if (adapter.Modules.FirstOrDefault(module => module.Name.IsFlat) is { } flat)
                problems.Add(MixProblems.NamesNeedBase(adapter.Folder, flat.Name.Value));
        }

        problems.AddRange(OutputCheck.Problems(original is null ? [] : [original.Model.Weights.Files], request.Adapters, request.Output, request.Overwrite));
        Modules = new MixModules([.. request.Adapters.Select(source => source.Adapter)], original, problems).Gather();
        problems.AddRange(MixCheck.Problems(request, Modules, warnings));
        problems.AddRange(MixCheck.TooLarge(request));
        _replacements = new MixedReplacements(request, original, problems, warnings).Mix();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        warnings.AddRange(original?.Warnings ?? []);
        Warnings = warnings;
    }

    /// <summary>What is odd about the adapters and the mix.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>How many modules the new adapter has.</summary>
    public int ModuleCount => Modules.Count;

    /// <summary>The modules and what each adapter brings, before anything is worked out.</summary>
    public IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> Planned => Results.Planned(Modules);

    internal IReadOnlyList<MixedModule> Modules { get; }

    /// <summary>Plans a mix.</summary>
    /// <exception cref="LoraOpsException">Everything that is wrong.</exception>
    public static MixPlan Make(MixRequest request)
    {
        Mergeable.Require(request.Adapters.Select(source => source.Adapter));
        var findings = (Problems: new List<Problem>(), Warnings: new List<string>());
        foreach (var source in request.Adapters)
            findings.Warnings.AddRange(source.Adapter.Warnings.Select(text => $"adapter '{source.Adapter.Name}': {text}"));

        var defects = PeftDefects.None;
        if (request.PeftType is not null)
            (request, defects) = new PeftArithmetic(request, findings.Problems, findings.Warnings).Reproduce();

        return Open(request, defects, findings);
    }

    private static MixPlan Open(MixRequest request, PeftDefects defects, (List<Problem> Problems, List<string> Warnings) findings)
    {
        var original = request.Base is null ? null : OriginalWeights.Open(request.Base, [.. request.Adapters.Select(source => source.Adapter)]);
        try
        {
            return new MixPlan(request.Named(original), defects, original, findings);
        }
        catch
        {
            original?.Dispose();
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
        var work = new ModuleWork(_request, _defects, _original, Modules);
        return new AdapterJob<MixedModule>
        {
            Output = _request.Output,
            Overwrite = _request.Overwrite,
            Fields = Fields(),
            Modules = Modules,
            NameOf = module => module.Name.Value,
            Work = work.Of,
            BytesOf = work.BytesOf,
            MemoryBytes = _request.MemoryBytes,
            Replacements = _replacements,
            Warnings = Warnings,
        }.Run(progress, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => _original?.Dispose();

    private PeftFields Fields() => AdapterFields.Of([.. _request.Adapters.Select(source => source.Adapter)], NominalRank()) with { Type = _request.Type };

    // What most modules will have, so that few need an entry of their own.
    private int NominalRank() => Modules.Select(module => Math.Min(ExpectedRank(module), Math.Min(module.Rows, module.Columns)))
        .GroupBy(rank => rank).OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key)
        .Select(group => group.Key).FirstOrDefault(1);

    private int ExpectedRank(MixedModule module) => (_request.Settings.Rank, module.RankSum) switch
    {
        ({ } rank, _) => rank,
        (_, > 0 and var sum) when !_request.Method.GivesFullRank => sum,
        _ => int.MaxValue,
    };
}
