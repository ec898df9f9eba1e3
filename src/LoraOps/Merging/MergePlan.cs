using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers;

namespace LoraOps.Merging;

/// <summary>
/// A merge that has been checked completely and only needs to be run: which tensor of the base each module changes, what the
/// output's files hold and how much memory it takes. The base stays open until it is disposed.
/// </summary>
public sealed class MergePlan : IDisposable
{
    private readonly SourceModel _model;
    private readonly SortedDictionary<string, TensorChange> _changes;
    private readonly Tying _tying;
    private readonly MergeOptions _options;
    private readonly MemoryPlan _memory;

    private MergePlan(
        SourceModel model, SortedDictionary<string, TensorChange> changes, Tying tying, MemoryPlan memory, MergeOptions options)
    {
        _model = model;
        _changes = changes;
        _tying = tying;
        _memory = memory;
        _options = options;
    }

    /// <summary>What will be done.</summary>
    public required MergeSummary Summary { get; init; }

    /// <summary>Reads the adapters, then plans.</summary>
    /// <param name="basePath">A safetensors file, an index, or a folder with either.</param>
    /// <param name="adapters">The adapters in the order of merging.</param>
    /// <param name="output">A path that ends in .safetensors for one file, else a folder.</param>
    /// <param name="options">How to merge.</param>
    /// <exception cref="LoraOpsException">Everything that is wrong with the adapters, or with them and the base.</exception>
    public static MergePlan Make(
        string basePath, IReadOnlyList<AdapterSource> adapters, string output, MergeOptions options) =>
        Make(basePath, AdapterSources.Read(adapters, options.ResidualBase), output, options);

    /// <summary>Plans the merge of adapters that were read.</summary>
    /// <inheritdoc cref="Make(string, IReadOnlyList{AdapterSource}, string, MergeOptions)"/>
    public static MergePlan Make(
        string basePath, IReadOnlyList<WeightedAdapter> adapters, string output, MergeOptions options)
    {
        Mergeable.Require(adapters.Select(source => source.Adapter));
        var model = SourceModel.Open(basePath);
        try
        {
            return Make(model, adapters, output, options);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Plans a merge that is only looked at: there is no output, and what the base has no tensor for is told and left out.</summary>
    /// <inheritdoc cref="Make(string, IReadOnlyList{AdapterSource}, string, MergeOptions)"/>
    public static MergePlan Preview(string basePath, IReadOnlyList<WeightedAdapter> adapters, MergeOptions options) =>
        Make(basePath, adapters, "", options with { AllowUnmatched = true });

    /// <summary>Measures the change of every tensor; the base is read once, in blocks, and nothing is written.</summary>
    /// <param name="progress">Told the share that is done, from 0 to 1; null if nobody looks.</param>
    /// <param name="stop">Ends the measuring.</param>
    /// <exception cref="LoraOpsException">A merged weight is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public IReadOnlyList<WeightMeasure> Measure(Action<double>? progress = null, CancellationToken stop = default)
    {
        var (done, total) = (0L, Math.Max(1, _changes.Values.Sum(change => change.ByteLength)));
        var measure = new ChangeMeasure(_model, _memory, new Targets(_model, _changes), _options.Arithmetic);
        return [.. _changes.Values.Select(change => measure.Of(change, read => progress?.Invoke((double)(done += read) / total), stop))];
    }

    /// <summary>Writes the output; it appears whole or not at all.</summary>
    /// <param name="progress">Told the bytes written so far, of <see cref="MergeSummary.TotalBytes"/>; null if nobody looks.</param>
    /// <param name="stop">Ends the run and leaves nothing.</param>
    /// <exception cref="LoraOpsException">A merged weight is not finite, or the output cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void Run(Action<long>? progress = null, CancellationToken stop = default)
    {
        var writer = new MergeWriter(_memory, new Targets(_model, _changes), progress, stop);
        var shards = Layout(_model, _changes, Summary.Output, _options.MaxShardBytes);
        if (IsFile(Summary.Output))
        {
            using var file = StagedOutput.ForFile(Summary.Output, _options.Overwrite);
            writer.Write([(file.Path, shards[0])]);
            stop.ThrowIfCancellationRequested();
            file.Commit();
            return;
        }

        using var folder = StagedOutput.ForFolder(Summary.Output, _options.Overwrite);
        writer.WriteFolder(folder.Path, shards, _model.Weights.Files);
        if (_model.Config is { } config)
        {
            var bytes = config.With(_tying.IsUntied, _tying.Vocabulary, _tying.Classes, _model.Weights.WidestType);
            File.WriteAllBytes(Path.Combine(folder.Path, "config.json"), bytes);
        }

        // The writers look between two blocks; the last one may have been the only one.
        stop.ThrowIfCancellationRequested();
        folder.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private static MergePlan Make(SourceModel model, IReadOnlyList<WeightedAdapter> adapters, string output, MergeOptions options)
    {
        var findings = new Findings(
            new List<Problem>(output.Length == 0 ? [] : OutputCheck.Problems(model, adapters, output, options.Overwrite)),
            new List<string>(adapters.SelectMany(source => source.Adapter.Warnings.Select(text => $"adapter '{source.Adapter.Name}': {text}"))));
        foreach (var warning in model.Weights.Warnings)
            findings.Warnings.Add(warning);

        adapters = new BareNames(model, options, findings).Resolve(adapters);
        var changes = new ChangePlanner(model, options, findings).Plan(adapters);
        new OrientationRule(model, changes.Values, findings).Apply();
        var tying = new Tying(model, changes, findings);
        tying.Settle(adapters, options.Arithmetic);
        var shards = Layout(model, changes, output, options.MaxShardBytes);
        if (IsFile(output) && shards.Count > 1)
            findings.Problems.Add(MergeProblems.ShardsNeedFolder(output, shards.Count));

        // The memory of a delta is known only for a shape that fits.
        if (findings.Problems.Count > 0)
            throw new LoraOpsException([.. findings.Problems]);

        var memory = MemoryPlan.Of(changes.Values, options.Arithmetic, options.MemoryBytes);
        CheckMemory(model.Weights.Path, memory, options.MemoryBytes, findings);
        if (findings.Problems.Count > 0)
            throw new LoraOpsException([.. findings.Problems]);

        var summary = Summaries.Of(model.Weights.Path, output, adapters, changes.Values, shards) with
        {
            PeakBytes = memory.PeakBytes,
            LeastBytes = memory.LeastBytes,
            Arithmetic = options.Arithmetic == MergeArithmetic.Exact ? "exact" : "peft",
            Unmatched = [.. model.Unmatched],
            Dequantised = model.Weights.Quantisation,
            Unties = tying.IsUntied,
            Warnings = [.. findings.Warnings],
        };
        return new MergePlan(model, changes, tying, memory, options) { Summary = summary };
    }

    private static List<OutputShard> Layout(
        SourceModel model, SortedDictionary<string, TensorChange> changes, string output, long? maxShardBytes)
    {
        var shards = OutputLayout.LikeBase(model, changes);
        if (maxShardBytes is { } most)
            return OutputLayout.Cut(shards, most);

        return IsFile(output) ? [OutputLayout.Joined(shards)] : shards;
    }

    private static void CheckMemory(string basePath, MemoryPlan memory, long? allowed, Findings findings)
    {
        if (memory.Oversized is { } change)
            findings.Problems.Add(MergeProblems.TooLarge(basePath, change.Name, change.Shape.ToString()));
        else if (memory.LeastBytes > allowed)
            findings.Problems.Add(MergeProblems.MemoryTooSmall(basePath, memory.Largest?.Name, memory.LeastBytes, allowed.Value));
        else if (memory.PeakBytes > allowed)
            findings.Warnings.Add(
                $"the runtime itself takes up to {MemoryPlan.RuntimeBytes} bytes: the whole may take {memory.PeakBytes}, more than is allowed");
    }

    private static bool IsFile(string output) => output.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
}
