using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>
/// Brings the modules of an adapter to other ranks: the best approximation of its rank of each (Eckart–Young). A rank above what a
/// module has changes nothing. Other methods, and DoRA on its base, become plain LoRA by their true change.
/// </summary>
public sealed class ResizePlan : IDisposable
{
    // The header's length, and what it is rounded up by.
    private const int LengthBytes = 16;
    private readonly ResizeRequest _request;
    private readonly SingleAdapter _source;
    private readonly IReadOnlyList<MixedModule> _modules;
    private readonly ModuleBiases _biases;
    private int[]? _ranks;

    private ResizePlan(ResizeRequest request, SingleAdapter source)
    {
        _request = request;
        _source = source;
        var problems = new List<Problem>();
        _modules = source.Modules((request.Output, request.Overwrite), keepsNorms: false, problems);
        if (request.BudgetBytes is { } budget && FixedBytes() + _modules.Sum(BytesOfRank) is var least && least > budget)
            problems.Add(MixProblems.BudgetTooSmall(source.Adapter.Folder, budget, least));

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        _biases = new ModuleBiases(_modules, [1]);
        var others = _modules.Select(module => module.Owners[0].Weight.Delta).Where(delta => delta is not LoraDelta).Select(delta => delta.Method).Distinct();
        Warnings = [.. source.Warnings, .. others.Select(method => $"{method} becomes plain LoRA: its true change, as well as the rank can hold it")];
    }

    /// <summary>What is odd about the adapter, and what becomes another method.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>How many modules the adapter has.</summary>
    public int ModuleCount => _modules.Count;

    /// <summary>The modules and the ranks that they have.</summary>
    public IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> Planned => Results.Planned(_modules);

    /// <summary>Plans a resizing.</summary>
    /// <exception cref="LoraOpsException">Everything that is wrong.</exception>
    public static ResizePlan Make(ResizeRequest request)
    {
        var source = SingleAdapter.Open(request.Adapter, request.Base);
        try
        {
            return new ResizePlan(request, source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Works out every spectrum and finds the ranks, the most of each module: one can have less.</summary>
    /// <param name="progress">Told the modules that are done; null if nobody looks.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public IReadOnlyList<int> Choose(Action<int>? progress = null, CancellationToken stop = default)
    {
        if (_ranks is not null)
            return _ranks;

        // A fixed rank needs no spectrum; the others are worked out again when they are cut, so that none has to be kept.
        if (_request is { BudgetBytes: null, Rank.Measure: RankMeasure.Cap })
            return _ranks = [.. _modules.Select(module => Math.Min(_request.Rank.Cap ?? int.MaxValue, MostOf(module)))];

        var spectra = new List<(IReadOnlyList<double> Sigma, double Energy)>();
        OrderedWork.Run(_modules, Spectrum, spectrum =>
        {
            spectra.Add(spectrum);
            progress?.Invoke(spectra.Count);
        }, Workers(), stop);
        var costs = _modules.Zip(spectra, (module, spectrum) => (spectrum.Sigma, BytesOfRank(module))).ToList();
        return _ranks = _request.BudgetBytes is { } budget
            ? RankBudget.Spread(costs, budget - FixedBytes(), _request.Rank.Cap ?? int.MaxValue)!
            : [.. _modules.Zip(spectra, (module, spectrum) => _request.Rank.Of(spectrum.Sigma, Smaller(module), spectrum.Energy))];
    }

    /// <summary>Writes the new adapter; it appears whole or not at all.</summary>
    /// <param name="progress">Told the modules that are done; null if nobody looks.</param>
    /// <param name="stop">Ends the run and leaves nothing.</param>
    /// <exception cref="LoraOpsException">A value is not finite, or the output cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TransformSummary Run(Action<int>? progress = null, CancellationToken stop = default)
    {
        var ranks = _modules.Zip(Choose(null, stop)).ToDictionary(pair => pair.First.Name, pair => pair.Second);
        return new AdapterJob<MixedModule>
        {
            Output = _request.Output,
            Overwrite = _request.Overwrite,
            Fields = AdapterFields.Of([_source.Adapter], Nominal(ranks.Values)) with { Type = _request.Type },
            Modules = _modules,
            NameOf = module => module.Name.Value,
            Work = module =>
            {
                var cut = Truncation.Of(_source.Delta(module), new RankRule(ranks[module.Name]));
                return (Results.Module(module, cut.Factors, _biases.Of(module)), Results.Outcome(module, cut));
            },
            BytesOf = BytesOf,
            MemoryBytes = _request.MemoryBytes,
            Replacements = _source.Adapter.Replacements,
            Warnings = Warnings,
        }.Run(progress, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private (IReadOnlyList<double> Sigma, double Energy) Spectrum(MixedModule module)
    {
        var delta = _source.Delta(module);
        var cut = Truncation.Of(delta, SpectrumRule(Smaller(module), delta is LowRank));
        return (cut.Sigma, cut.Energy);
    }

    // As few values as decide. Of a dense matrix all are those that hold all of its energy, and of a large one all but one.
    private RankRule SpectrumRule(int smaller, bool isProduct)
    {
        var (rule, hasBudget) = (_request.Rank, _request.BudgetBytes is not null);
        if (!hasBudget && rule is { Measure: RankMeasure.Frobenius, Parameter: < 1 })
            return new RankRule(rule.Cap, rule.Parameter * rule.Parameter);

        // What is compared with the sum of all values needs all of them.
        var most = !hasBudget && rule.Measure == RankMeasure.Cumulative ? smaller : Math.Min(rule.Cap ?? smaller, smaller);
        return isProduct || most < smaller ? new RankRule(most) : smaller <= DenseBytes.Exact ? new RankRule(null, 1) : new RankRule(smaller - 1);
    }

    private int Workers() => OrderedWork.Workers(_modules.Max(BytesOf), _request.MemoryBytes);

    private static int Nominal(IEnumerable<int> ranks) => ranks.GroupBy(rank => rank)
        .OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key).Select(group => group.Key).First();

    private static int Smaller(MixedModule module) => Math.Min(module.Rows, module.Columns);

    private static int MostOf(MixedModule module) => module.RankSum > 0 ? Math.Min(module.RankSum, Smaller(module)) : Smaller(module);

    private long BytesOfRank(MixedModule module) => _request.Type.Bits() / 8 * ((long)module.Rows + module.Columns);

    // What has no rank: replaced parameters, and biases, which every layer but an embedding has if one has it.
    // What is stored whole, and the file's header with its length.
    private long FixedBytes() => LengthBytes +
        PeftOutput.HeaderBytes(_modules.Select(module => module.Name.Value).Concat(_source.Adapter.Replacements.Select(one => one.FullName))) +
        _source.Adapter.Replacements.Sum(replacement => replacement.Value.ByteLength) +
        (_modules.Any(module => module.Owners[0].Bias is not null)
            ? _modules.Where(module => module.Layer != LayerKind.Embedding).Sum(module => (long)module.Rows * _request.Type.Bits() / 8)
            : 0);

    private static long BytesOf(MixedModule module)
    {
        var (rows, columns) = ((long)module.Rows, (long)module.Columns);
        return module.RankSum > 0 ? 8 * sizeof(double) * (rows + columns) * module.RankSum : DenseBytes.Of(rows, columns, null);
    }
}
