using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace LoraOps.Transforms;

/// <summary>Works on items beside each other and takes the results in the items' order.</summary>
internal static class OrderedWork
{
    private const int MostWorkers = 512;

    /// <summary>Works on every item.</summary>
    /// <param name="items">What to work on.</param>
    /// <param name="work">The work on one item; a failure ends all.</param>
    /// <param name="take">Receives the results one by one, in order, while later ones are in work.</param>
    /// <param name="workers">How many items may be in work at a time, from 1.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static void Run<TItem, TResult>(
        IReadOnlyList<TItem> items, Func<TItem, TResult> work, Action<TResult> take, int workers, CancellationToken stop)
    {
        // One item at a time is taken from the list, or the second worker would begin in its middle and all its results would wait.
        var results = Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering).AsParallel().AsOrdered()
            .WithDegreeOfParallelism(workers).WithCancellation(stop).WithMergeOptions(ParallelMergeOptions.NotBuffered).Select(work);
        try
        {
            foreach (var result in results)
                take(result);
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.Flatten().InnerExceptions[0]);
        }
    }

    /// <summary>How many items fit into memory beside each other, at most one for each processor; from 1.</summary>
    /// <param name="largest">The bytes that the work on the largest item takes.</param>
    /// <param name="memory">The bytes that all may take.</param>
    public static int Workers(long largest, long memory) =>
        (int)Math.Clamp(memory / Math.Max(1, largest), 1, Math.Min(Environment.ProcessorCount, MostWorkers));
}
