using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>
/// Decides what becomes of every parameter that differs: factors, a bias, a parameter that is saved whole, or a problem. Nothing is
/// left out without a word.
/// </summary>
internal sealed class ExtractSelection(ExtractRequest request, SourceModel model, SourceModel tuned, ICollection<Problem> problems)
{
    // What a model works out by itself or counts while it is trained.
    private static readonly string[] Buffers =
        ["inv_freq", "original_inv_freq", "position_ids", "token_type_ids", "masked_bias", "num_batches_tracked", "cos_cached", "sin_cached"];

    private static readonly string[] NewHeads = ["lm_head", "embed_out", "classifier", "score", "qa_outputs"];

    private readonly List<ExtractedModule> _modules = [];
    private readonly List<TensorPair> _vectors = [];
    private readonly List<TensorPair> _whole = [];
    private readonly SortedSet<string> _excluded = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _buffers = new(StringComparer.Ordinal);
    private int _rounded;

    /// <summary>The layers of factors, by name.</summary>
    public IReadOnlyList<ExtractedModule> Modules { get; private set; } = [];

    /// <summary>The changed biases of these layers.</summary>
    public IReadOnlyList<TensorPair> Biases { get; private set; } = [];

    /// <summary>What is saved whole, by full name.</summary>
    public IReadOnlyList<TensorPair> Saved { get; private set; } = [];

    /// <summary>What is odd.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Compares every pair and decides.</summary>
    public void Decide(IReadOnlyList<TensorPair> pairs, CancellationToken stop)
    {
        var differences = new TensorDifference[pairs.Count];
        Parallel.For(0, pairs.Count, new ParallelOptions { CancellationToken = stop }, index => differences[index] = Compare(pairs[index]));
        foreach (var (pair, difference) in pairs.Zip(differences))
        {
            if (difference == TensorDifference.Rounding)
                _rounded++;
            else if (difference == TensorDifference.Values)
                Sort(pair);
        }

        Settle();
        Warn();
    }

    private static TensorDifference Compare(TensorPair pair) =>
        pair is { Base: { } start, Tuned: { } after } && start.Shape.Equals(after.Shape) ? TensorDifferences.Of(start, after) : TensorDifference.Values;

    private void Sort(TensorPair pair)
    {
        if (NamePatterns.Match(request.Exclude, pair.Module.Value) || !(request.Include.Count == 0 || NamePatterns.Match(request.Include, pair.Module.Value)))
            _excluded.Add(pair.FullName);
        else if (IsBuffer(pair))
            _buffers.Add(pair.FullName);
        else if (WhyNot(pair) is { } why)
            Refuse(pair, why);
        else if (pair.Base is null || !pair.Base.Shape.Equals(pair.Tuned!.Shape) || NamePatterns.Match(request.SaveWhole, pair.Module.Value))
            _whole.Add(pair);
        else if (ExtractedModule.Of(pair, model) is { } module)
            _modules.Add(module);
        else
            _vectors.Add(pair);
    }

    private static bool IsBuffer(TensorPair pair) => Buffers.Contains(pair.Parameter) ||
        (pair.Parameter == "bias" && (pair.Tuned ?? pair.Base)!.Shape.Rank > 2);

    private string? WhyNot(TensorPair pair)
    {
        if (pair.Tuned is null)
            return $"'{tuned.Weights.Path}' lacks it";

        if (!pair.Tuned.Type.IsFloat() || pair.Base?.Type.IsFloat() == false)
            return $"{pair.Tuned.Type.Name()} values differ, and an adapter holds floats";

        if (pair.Module.Value.Length == 0)
            return "it belongs to the model itself and to no layer that could be saved";

        if (pair.Base is null)
            return NewHeads.Contains(pair.Module.Segments[^1]) ? null : $"'{model.Weights.Path}' lacks it, and only heads can be added";

        return pair.Base.Shape.Equals(pair.Tuned.Shape) || MayGrow(pair) ? null : $"its shape {pair.Tuned.Shape} was {pair.Base.Shape}";
    }

    // A vocabulary may have grown, and a classifier have other classes.
    private static bool MayGrow(TensorPair pair)
    {
        var (before, after) = (pair.Base!.Shape, pair.Tuned!.Shape);
        return before.Rank == after.Rank && before.Rank > 0 && before.Dims[1..].SequenceEqual(after.Dims[1..]) &&
            (SourceModel.IsClassifier(pair.Module) ||
             (after[0] > before[0] && (SourceModel.IsEmbedding(pair.Module) || SourceModel.IsHead(pair.Module))));
    }

    // What is saved takes the layers below it along: PEFT copies a saved module with all that is in it.
    private void Settle()
    {
        var adapted = _modules.Select(module => module.Pair.Module).ToHashSet();
        var saved = _whole.Concat(_vectors.Where(pair => pair.Parameter != "bias" || !adapted.Contains(pair.Module))).Select(pair => pair.Module).ToHashSet();
        Modules = [.. _modules.Where(module => !IsBelow(module.Pair.Module, saved)).OrderBy(module => module.Pair.Module)];
        var left = Modules.Select(module => module.Pair.Module).ToHashSet();
        Biases = [.. _vectors.Where(pair => pair.Parameter == "bias" && left.Contains(pair.Module)).OrderBy(pair => pair.FullName, StringComparer.Ordinal)];
        Saved =
        [
            .. _whole.Concat(_vectors).Concat(_modules.Select(module => module.Pair)).Except(Biases).Except(Modules.Select(module => module.Pair))
                .OrderBy(pair => pair.FullName, StringComparer.Ordinal),
        ];
    }

    private static bool IsBelow(ModuleName module, HashSet<ModuleName> saved)
    {
        for (var name = module.Value; ; name = name[..name.LastIndexOf('.')])
        {
            if (saved.Contains(new ModuleName(name)))
                return true;

            if (!name.Contains('.', StringComparison.Ordinal))
                return false;
        }
    }

    private void Warn()
    {
        if (_excluded.Count > 0)
            Warnings.Add($"{_excluded.Count} tensors differ and are left out as asked: {string.Join(", ", _excluded)}");

        if (_buffers.Count > 0)
            Warnings.Add($"{_buffers.Count} buffers differ, which a model works out by itself, and are left out: {string.Join(", ", _buffers)}");

        if (_rounded > 0)
            Warnings.Add($"{_rounded} tensors differ only because the tuned model stores rounded values: they count as unchanged");

        if (Saved.Count > 0)
            Warnings.Add($"{Saved.Count} tensors have no useful factors and are saved whole: {string.Join(", ", Saved.Select(pair => pair.FullName))}");
    }

    private void Refuse(TensorPair pair, string why) =>
        problems.Add(ExtractProblems.NotExpressible(pair.Tuned is null ? model.Weights.Path : tuned.Weights.Path, pair.FullName, why));
}
