using System.Diagnostics;
using LoraOps.Fuzz.Mutations;
using LoraOps.Problems;

namespace LoraOps.Fuzz;

/// <summary>
/// Makes cases and runs them one by one: the only exception allowed is LoraOpsException, every case ends in time, and what is
/// allocated is at most twice the input's files and a constant.
/// </summary>
public sealed class FuzzRun
{
    // What a case may allocate beside twice its files: tables, messages and exceptions; merging has buffers for its blocks too.
    private const long Reading = 1 << 20;
    private const long Merging = 4 << 20;

    private static readonly (string Target, int Weight)[] Weights =
        [(Targets.Array, 5), (Targets.OnnxAdapter, 10), (Targets.Checkpoint, 10), (Targets.Safetensors, 20), (Targets.Adapter, 30), (Targets.Merge, 35)];

    private const int Waits = 12;

    private readonly FuzzOptions _options;
    private readonly TextWriter _log;
    private readonly IReadOnlyList<FuzzInput> _corpus;
    private readonly Dictionary<string, IReadOnlyList<FuzzInput>> _byTarget;
    private readonly SortedDictionary<string, Tally> _tallies = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private FuzzInput? _current;
    private long _case;
    private long _began;
    private TimeSpan _worked;
    private bool _failed;
    private bool _ended;

    private FuzzRun(FuzzOptions options, TextWriter log)
    {
        (_options, _log) = (options, log);
        _corpus = options.Replay is { } saved
            ? [FuzzInput.Load(saved)]
            : [.. Corpus.Load(options.UsesShared).Where(input => options.Only is null || input.Target == options.Only)];
        _byTarget = _corpus.GroupBy(input => input.Target, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => (IReadOnlyList<FuzzInput>)[.. group], StringComparer.Ordinal);
    }

    /// <summary>Runs and tells what happened; false if anything was found.</summary>
    public static bool Execute(FuzzOptions options, TextWriter log)
    {
        var run = new FuzzRun(options, log);
        var worker = new Thread(run.Work) { IsBackground = true };
        worker.Start();
        while (!worker.Join(TimeSpan.FromMilliseconds(200)))
        {
            if (run.IsStuck())
                break;
        }

        run.Summarise();
        return !run._failed;
    }

    private void Work()
    {
        using var sandbox = new Sandbox();
        foreach (var input in _corpus.DistinctBy(input => input.Target))
            Try(sandbox, input);

        var ends = Stopwatch.GetTimestamp() + (long)(_options.Time.TotalSeconds * Stopwatch.Frequency);
        var last = _options.Replay is null ? _options.Cases : 1;
        for (var number = _options.First; number - _options.First < last && !_failed && Stopwatch.GetTimestamp() < ends; number++)
        {
            var random = new Random(HashOf(_options.Seed, number));
            var original = Chosen(random);
            var input = _options.Replay is null ? Mutator.Mutate(original, _corpus, random) : original;
            lock (_gate)
                (_case, _current, _began, _worked) = (number, input, Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

            Check(sandbox, input);
        }

        lock (_gate)
            _ended = true;
    }

    // A target first, the deeper the more often, then one of its inputs.
    private FuzzInput Chosen(Random random)
    {
        var draw = random.Next(Weights.Sum(weight => weight.Weight));
        var target = Weights.First(weight => (draw -= weight.Weight) < 0).Target;
        var inputs = _byTarget.GetValueOrDefault(target) ?? _corpus;
        return inputs[random.Next(inputs.Count)];
    }

    // Warms up what is made once, so that no case is blamed for it.
    private static void Try(Sandbox sandbox, FuzzInput input)
    {
        try
        {
            sandbox.Put(input);
            Targets.Run(input, sandbox.Input, sandbox.Output);
        }
        catch (LoraOpsException)
        {
            // Some inputs are wrong from the beginning.
        }
    }

    private void Check(Sandbox sandbox, FuzzInput input)
    {
        sandbox.Put(input);
        var (error, allocated) = Measured(sandbox, input);
        var tally = _tallies.GetValueOrDefault(input.Target) ?? (_tallies[input.Target] = new Tally());
        var accepted = error is null;
        var limit = (2 * input.Size) + (input.Target == Targets.Merge ? Merging : Reading);
        tally.Add(_case, error as LoraOpsException, allocated, limit, input.Size);
        if (error is not null and not LoraOpsException)
            Report(input, error.ToString());
        else if (allocated > limit)
            Report(input, $"allocated {allocated} bytes for {input.Size} bytes of files");
        else if (sandbox.Stray(input, accepted) is { } stray)
            Report(input, $"wrote {stray}");
    }

    private (Exception? Error, long Allocated) Measured(Sandbox sandbox, FuzzInput input)
    {
        Exception? error = null;
        var before = Allocated(input);
        try
        {
            Targets.Run(input, sandbox.Input, sandbox.Output);
        }
        catch (Exception any) when (any is not OutOfMemoryException)
        {
            error = any;
        }

        return (error, Allocated(input) - before);
    }

    // A merge works on several threads; nobody else allocates much meanwhile.
    private long Allocated(FuzzInput input) =>
        input.Target == Targets.Merge && _options.IsAlone ? GC.GetTotalAllocatedBytes() : GC.GetAllocatedBytesForCurrentThread();

    private bool IsStuck()
    {
        FuzzInput? input;
        lock (_gate)
        {
            // On a busy machine a case may wait for its turn: then the time that it waited does not count at once.
            var isLong = Environment.CpuUsage.TotalTime - _worked > _options.Patience || Stopwatch.GetElapsedTime(_began) > Waits * _options.Patience;
            input = !_ended && _current is not null && isLong ? _current : null;
        }

        if (input is not null)
            Report(input, $"did not end within {_options.Patience.TotalSeconds} s of work or {Waits} times as long in all");

        return input is not null;
    }

    private void Report(FuzzInput input, string complaint)
    {
        _failed = true;
        var folder = Path.GetFullPath(Path.Combine(_options.Findings, $"{_options.Seed}-{_case}-{input.Target}"));
        input.Save(folder);
        _log.WriteLine($"FOUND case {_case}, {input.Target}: {complaint}");
        _log.WriteLine($"  again: dotnet run --project tests/LoraOps.Fuzz -c Release -- --replay {folder}");
    }

    private void Summarise()
    {
        _log.WriteLine(FormattableString.Invariant(
            $"{_tallies.Values.Sum(tally => tally.Cases)} cases of {_corpus.Count} inputs, seed {_options.Seed}: {(_failed ? "a finding" : "nothing found")}"));
        foreach (var (target, tally) in _tallies)
            _log.WriteLine($"  {target,-12}{tally}");
    }

    private static int HashOf(int seed, long number) => unchecked((int)((((ulong)number * 0x9E3779B97F4A7C15) + (ulong)seed * 0xBF58476D1CE4E5B9) >> 32));
}
