using System.Runtime.ExceptionServices;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Sends runs of samples through one session, several at once, and shows the outputs to the meters.</summary>
/// <param name="session">Its outputs are what is measured.</param>
/// <param name="outputs">Their names.</param>
/// <param name="meters">Where the values go.</param>
/// <param name="isOrdered">True if the extremes of each run are averaged in the order of the runs.</param>
internal sealed class CalibrationPass(OnnxSession session, IReadOnlyList<string> outputs, TensorMeters meters, bool isOrdered)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Dictionary<string, ValueExtent>> _waiting = [];
    private int _next;
    private int _averaged;
    private int _samples;
    private (int Run, ExceptionDispatchInfo Error)? _failure;

    /// <summary>Runs all; of several failures the one of the first run is thrown, as if there were one thread.</summary>
    public void Run(IReadOnlyList<SampleRun> runs, int threads, Action<int>? samplesDone, CancellationToken stop)
    {
        void Work()
        {
            while (Take(runs.Count) is { } at)
                Try(at, runs[at], samplesDone, stop);
        }

        // Threads of its own: the pool would move the work from one to the next, and each leaves the memory of its largest run behind.
        var others = Enumerable.Range(1, Math.Max(0, Math.Min(threads, runs.Count) - 1)).Select(_ => new Thread(Work)).ToList();
        foreach (var other in others)
            other.Start();

        Work();
        foreach (var other in others)
            other.Join();

        _failure?.Error.Throw();
    }

    private int? Take(int count)
    {
        lock (_gate)
        {
            return _failure is null && _next < count ? _next++ : null;
        }
    }

    private void Try(int at, SampleRun run, Action<int>? samplesDone, CancellationToken stop)
    {
        try
        {
            stop.ThrowIfCancellationRequested();
            var extents = new Dictionary<string, ValueExtent>(StringComparer.Ordinal);
            session.Visit(run.Data, run.First, run.Count, outputs, (name, _, values) =>
            {
                meters.Add(name, values);
                if (isOrdered)
                    extents[name] = ValueExtent.Of(values);
            });
            lock (_gate)
            {
                Average(at, extents);
                _samples += run.Count;
                samplesDone?.Invoke(_samples);
            }
        }
        catch (Exception error) when (Note(at, error))
        {
            // It is thrown again where the work was asked for, whatever it is: a thread has nobody above it who could know.
        }
    }

    // Runs may end in any order; a run's extremes wait until those before it are there.
    private void Average(int at, Dictionary<string, ValueExtent> extents)
    {
        if (!isOrdered)
            return;

        _waiting.Add(at, extents);
        while (_waiting.Remove(_averaged, out var next))
        {
            meters.Average(next);
            _averaged++;
        }
    }

    // Runs are taken in order, so every one before a failure ends as well.
    private bool Note(int at, Exception error)
    {
        lock (_gate)
        {
            if (_failure is not { } known || at < known.Run)
                _failure = (at, ExceptionDispatchInfo.Capture(error));
        }

        return true;
    }
}
