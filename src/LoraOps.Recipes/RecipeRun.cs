using System.Diagnostics;
using System.Runtime.ExceptionServices;
using LoraOps.Problems;
using LoraOps.Recipes.Steps;

namespace LoraOps.Recipes;

/// <summary>Where a run stands.</summary>
/// <param name="Stage"><c>convert</c> or <c>quantize</c>.</param>
/// <param name="Adapter">The adapter.</param>
/// <param name="Chip">The chip; null for what serves all chips.</param>
/// <param name="Fraction">How much of the run's own work is done, 0…1; what an earlier run did does not count.</param>
public sealed record RunProgress(string Stage, string Adapter, string? Chip, double Fraction);

/// <summary>How to run a plan.</summary>
public sealed record RunOptions
{
    /// <summary>How many adapters and chips are worked on at once; results and bytes do not depend on it.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Told at the start of each step and at its end, never from two threads at once.</summary>
    public Action<RunProgress>? Progress { get; init; }
}

/// <summary>Does what a plan says: adapter by adapter the conversion, then chip by chip the rest. One failing job stops no other.</summary>
public sealed class RecipeRun
{
    private readonly Plan _plan;
    private readonly RunOptions _options;
    private readonly Lock _telling = new();
    private int _stepsDone;

    private RecipeRun(Plan plan, RunOptions options)
    {
        _plan = plan;
        _options = options;
    }

    /// <summary>Runs a plan.</summary>
    /// <exception cref="LoraOpsException">Another run works in the same output.</exception>
    /// <exception cref="OperationCanceledException">The caller stopped it; finished bundles stay, half-made ones do not.</exception>
    public static Report Run(Plan plan, RunOptions? options = null, CancellationToken stop = default) =>
        new RecipeRun(plan, options ?? new RunOptions()).Run(stop);

    private Report Run(CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        var output = _plan.Output;
        using var held = output.Lock();
        output.Sweep(_plan.Adapters.SelectMany(adapter => adapter.Jobs).Select(job => job.Name));
        var work = new JobWork(_plan);
        var adapters = _plan.Adapters;
        var converted = new Conversion[adapters.Count];
        InParallel(
            converted.Length, at => Telling("convert", adapters[at], null, () => converted[at] = work.Convert(adapters[at], stop)), stop);
        var jobs = adapters.SelectMany((adapter, at) => adapter.Jobs.Select(job => (Adapter: adapter, Job: job, At: at))).ToArray();
        var reports = new JobReport[jobs.Length];
        InParallel(
            jobs.Length,
            at => Telling("quantize", jobs[at].Adapter, jobs[at].Job, () =>
                reports[at] = work.Finish(jobs[at].Adapter, jobs[at].Job, converted[jobs[at].At], stop)),
            stop);
        if (_plan.IsWhole)
            output.Prune(_plan.Adapters.SelectMany(adapter => adapter.Jobs.Select(job => job.Key).Append(adapter.Key)).ToHashSet());

        return new Report(_plan.Recipe.Name, output.Path, reports, watch.Elapsed);
    }

    private void InParallel(int count, Action<int> work, CancellationToken stop)
    {
        if (_options.Jobs <= 1)
        {
            for (var at = 0; at < count; at++)
            {
                stop.ThrowIfCancellationRequested();
                work(at);
            }

            return;
        }

        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = _options.Jobs, CancellationToken = stop }, work);
        }
        catch (AggregateException several)
        {
            // Two full disks are one message; a cancelled job says more than what it broke.
            stop.ThrowIfCancellationRequested();
            ExceptionDispatchInfo.Throw(several.Flatten().InnerExceptions[0]);
        }
    }

    // What an earlier run did is looked up in no time: naming it would look like work.
    private void Telling(string stage, PlannedAdapter adapter, PlannedJob? job, Action work)
    {
        var isDone = job is null ? adapter.IsConverted : job.IsQuantized && job.IsPublished;
        if (!isDone)
            Tell(stage, adapter, job, finished: 0);

        work();
        if (!isDone)
            Tell(stage, adapter, job, finished: 1);
    }

    private void Tell(string stage, PlannedAdapter adapter, PlannedJob? job, int finished)
    {
        lock (_telling)
        {
            _stepsDone += finished;
            var all = _plan.Adapters.Sum(one => (one.IsConverted ? 0 : 1) + one.Jobs.Count(job => !job.IsQuantized || !job.IsPublished));
            _options.Progress?.Invoke(new RunProgress(stage, adapter.Recipe.Name, job?.Chip.Name, (double)_stepsDone / all));
        }
    }
}
