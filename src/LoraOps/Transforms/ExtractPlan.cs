using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>
/// The difference of two checkpoints as an adapter: the best factors of each changed layer (Eckart–Young), and what has no useful
/// factors saved whole. Both checkpoints stay open until it is disposed; one layer at a time is in memory.
/// </summary>
public sealed class ExtractPlan : IDisposable
{
    // r where only an energy is given: modules of another rank have it in rank_pattern.
    private const int AnyRank = 16;
    private readonly ExtractRequest _request;
    private readonly SourceModel _base;
    private readonly SourceModel _tuned;
    private readonly ExtractSelection _selection;
    private readonly FloatRoom _room = new();
    private readonly Dictionary<ModuleName, TensorPair>? _biases;

    private ExtractPlan(ExtractRequest request, SourceModel model, SourceModel tuned, CancellationToken stop)
    {
        _request = request;
        _base = model;
        _tuned = tuned;
        var problems = OutputCheck.Problems([model.Weights.Files, tuned.Weights.Files], [], request.Output, request.Overwrite).ToList();
        var pairs = TensorPair.Of(model, tuned);
        _selection = new ExtractSelection(request, model, tuned, problems);
        _selection.Decide(pairs, stop);
        if (problems.Count == 0 && _selection.Modules.Count + _selection.Saved.Count == 0)
            problems.Add(ExtractProblems.NothingDiffers(request.Tuned, request.Base));

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        _biases = AddedBiases(pairs);
        var warnings = new List<string>([.. model.Weights.Warnings, .. tuned.Weights.Warnings.Select(text => $"tuned: {text}"), .. _selection.Warnings]);
        if (_biases is null && _selection.Biases.Count > 0)
            warnings.Add($"{_selection.Biases.Count} biases of adapted layers are stored as bias 'lora_only', which PEFT 0.7 to 0.20 does not load");

        if (IsTied && Touched.Any(pair => SourceModel.IsEmbedding(pair.Module)))
            warnings.Add("the head is tied to the embedding and changes with it: the config says ensure_weight_tying (PEFT 0.18 and later)");

        Warnings = warnings;
    }

    /// <summary>What is odd about the checkpoints, and what is saved whole or left out.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>How many modules the adapter has.</summary>
    public int ModuleCount => _selection.Modules.Count;

    /// <summary>The modules; their differences have any rank.</summary>
    public IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> Planned =>
        [.. _selection.Modules.Select(module => (module.Pair.Module.Value, ShapeOf(module), (IReadOnlyList<int>)[0]))];

    /// <summary>What is saved whole, by full name.</summary>
    public IReadOnlyList<string> Replaced => [.. Replacements().Select(replacement => replacement.FullName)];

    private bool IsTied => TensorPair.AreTied(_base, _tuned);

    private IEnumerable<TensorPair> Touched => _selection.Modules.Select(module => module.Pair).Concat(_selection.Saved);

    /// <summary>Opens two checkpoints and finds what differs.</summary>
    /// <param name="request">What to extract.</param>
    /// <param name="stop">Ends the search.</param>
    /// <exception cref="LoraOpsException">Everything that is wrong.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static ExtractPlan Make(ExtractRequest request, CancellationToken stop = default)
    {
        var model = SourceModel.Open(request.Base);
        SourceModel? tuned = null;
        try
        {
            tuned = SourceModel.Open(request.Tuned);
            return new ExtractPlan(request, model, tuned, stop);
        }
        catch
        {
            tuned?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes the adapter; it appears whole or not at all.</summary>
    /// <param name="progress">Told the modules that are done; null if nobody looks.</param>
    /// <param name="stop">Ends the run and leaves nothing.</param>
    /// <exception cref="LoraOpsException">A value is not finite, or the output cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TransformSummary Run(Action<int>? progress = null, CancellationToken stop = default) => new AdapterJob<ExtractedModule>
    {
        Output = _request.Output,
        Overwrite = _request.Overwrite,
        Fields = Fields(),
        Modules = _selection.Modules,
        NameOf = module => module.Pair.Module.Value,
        Work = Extracted,
        BytesOf = BytesOf,
        MemoryBytes = _request.MemoryBytes,
        Replacements = Replacements(),
        Warnings = Warnings,
    }.Run(progress, stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        _base.Dispose();
        _tuned.Dispose();
    }

    private PeftFields Fields() => new()
    {
        Rank = _selection.Modules.Select(RankOf).GroupBy(rank => rank).OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key)
            .Select(group => group.Key).FirstOrDefault(1),
        Type = _request.Type,
        TaskType = _base.Config?.HasLanguageHead == true ? "CAUSAL_LM" : null,
        FanInFanOut = _selection.Modules.Any(module => module.IsTransposed),
        Bias = _biases is null && _selection.Biases.Count > 0 ? "lora_only" : "none",
        TiesWeights = IsTied && Touched.Any(pair => SourceModel.IsEmbedding(pair.Module)),
    };

    private int RankOf(ExtractedModule module) =>
        (int)Math.Min(_request.Rule.Rank ?? AnyRank, Math.Min(module.Pair.Tuned!.Shape[0], module.Pair.Tuned.Shape.RowLength));

    private (WrittenModule Module, ModuleOutcome Outcome) Extracted(ExtractedModule module)
    {
        var difference = new DifferenceMatrix(module.Pair.Base!, module.Pair.Tuned!, _tuned.Weights.Path);
        var cut = Cut(difference);

        // There is no rank 0 in PEFT: a difference whose squares vanish has one of zeros.
        var factors = cut.Factors.Rank > 0
            ? cut.Factors
            : new LowRank(new double[difference.Rows], new double[difference.Columns], 1, (difference.Rows, difference.Columns));
        var isTurned = module.IsTransposed || module.Layer == LayerKind.Embedding;
        var written = new WrittenModule
        {
            Name = module.Pair.Module,
            Layer = module.Layer,
            Weight = ShapeOf(module),
            Rank = factors.Rank,
            B = isTurned ? Dense.Transposed(factors.A, factors.Rank, factors.Columns) : factors.ScaledB(),
            A = isTurned ? Dense.Transposed(factors.ScaledB(), factors.Rows, factors.Rank) : factors.A,
            Bias = _biases?.GetValueOrDefault(module.Pair.Module) is { } bias ? Change(bias) : null,
        };
        return (written, new ModuleOutcome(module.Pair.Module.Value, ShapeOf(module), [0], factors.Rank, Math.Sqrt(cut.Energy), cut.Error));
    }

    // Layers of one shape follow one another: their arrays are used again, or the memory would be that of several layers.
    private Truncated Cut(DifferenceMatrix difference)
    {
        if (Math.Min(difference.Rows, difference.Columns) <= DenseBytes.Exact)
            return Truncation.Of(difference, _request.Rule);

        var values = _room.Take((int)difference.Count);
        var cut = Truncation.Of(difference.In(values), _request.Rule);
        _room.Give(values);
        return cut;
    }

    private static double[] Change(TensorPair bias) =>
        [.. bias.Tuned!.ToFloats().Zip(bias.Base!.ToFloats(), (after, before) => (double)after - before)];

    private List<Replacement> Replacements()
    {
        var whole = _selection.Saved.Select(pair => new Replacement(pair.Module, pair.Parameter, pair.Tuned!, IsBias: false));
        var biases = _biases is null ? _selection.Biases : [];
        return [.. whole.Concat(biases.Select(pair => new Replacement(pair.Module, pair.Parameter, pair.Tuned!, IsBias: true)))];
    }

    // lora_B.bias is for all layers of an adapter or none: each must have a bias, and embeddings have none.
    private Dictionary<ModuleName, TensorPair>? AddedBiases(IReadOnlyList<TensorPair> pairs)
    {
        if (_selection.Biases.Count == 0 || _selection.Modules.Any(module => module.Layer == LayerKind.Embedding))
            return null;

        var known = pairs.Where(pair => pair is { Parameter: "bias", Base: not null, Tuned: not null } && pair.Base.Shape.Equals(pair.Tuned.Shape))
            .ToDictionary(pair => pair.Module);
        var all = _selection.Modules.Select(module => known.GetValueOrDefault(module.Pair.Module)).ToList();
        return all.Contains(null) ? null : all.ToDictionary(pair => pair!.Module, pair => pair!);
    }

    private static TensorShape ShapeOf(ExtractedModule module) =>
        module.IsTransposed ? new TensorShape(module.Pair.Tuned!.Shape[1], module.Pair.Tuned.Shape[0]) : module.Pair.Tuned!.Shape;

    private long BytesOf(ExtractedModule module)
    {
        var (rows, columns) = (module.Pair.Tuned!.Shape[0], module.Pair.Tuned.Shape.RowLength);
        return DenseBytes.Of(rows, columns, _request.Rule.Rank);
    }
}
