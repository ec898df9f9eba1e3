using System.Diagnostics;
using System.Diagnostics.Metrics;
using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>The figures of one manager, under the meter <see cref="AdapterManager.MeterName"/>; the tag <c>adapter</c> is the id.</summary>
internal sealed class AdapterMeter : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _loads;
    private readonly Counter<long> _evictions;
    private readonly Counter<long> _switches;
    private readonly Counter<long> _runs;
    private readonly Counter<long> _failures;
    private readonly Histogram<double> _runSeconds;
    private readonly Histogram<double> _switchSeconds;

    /// <summary>Makes the instruments.</summary>
    /// <param name="model">The model's file name: the tag <c>model</c> of every figure.</param>
    /// <param name="residentBytes">Asked whenever somebody collects.</param>
    public AdapterMeter(string model, Func<long> residentBytes)
    {
        _meter = new Meter(AdapterManager.MeterName, null, [new("model", model)]);
        _loads = _meter.CreateCounter<long>("loraops.adapter.loads", "{load}", "Adapter files that were read and made ready.");
        _evictions = _meter.CreateCounter<long>("loraops.adapter.evictions", "{eviction}", "Adapters that left the cache for others.");
        _switches = _meter.CreateCounter<long>("loraops.adapter.switches", "{switch}", "Leases of another adapter than the one before.");
        _runs = _meter.CreateCounter<long>("loraops.adapter.runs", "{run}", "Runs of the model that succeeded.");
        _failures = _meter.CreateCounter<long>("loraops.adapter.failures", "{failure}", "Loads, leases and runs that failed; tag problem.");
        _runSeconds = _meter.CreateHistogram<double>("loraops.adapter.run.duration", "s", "One run of the model.");
        _switchSeconds = _meter.CreateHistogram<double>(
            "loraops.adapter.switch.duration", "s", "Making another adapter active, reading its file if it was evicted.");
        _meter.CreateObservableUpDownCounter("loraops.adapter.resident_bytes", residentBytes, "By", "Adapter files in memory.");
    }

    /// <summary>A file was made ready.</summary>
    public void Loaded(string id) => _loads.Add(1, Tag(id));

    /// <summary>An adapter left for another.</summary>
    public void Evicted(string id) => _evictions.Add(1, Tag(id));

    /// <summary>Another adapter was made active.</summary>
    /// <param name="id">Which.</param>
    /// <param name="begin">When that began, as <see cref="Stopwatch.GetTimestamp"/> says.</param>
    public void Switched(string id, long begin)
    {
        _switches.Add(1, Tag(id));
        _switchSeconds.Record(Stopwatch.GetElapsedTime(begin).TotalSeconds, Tag(id));
    }

    /// <summary>A run succeeded.</summary>
    /// <param name="id">With which adapter.</param>
    /// <param name="begin">When it began, as <see cref="Stopwatch.GetTimestamp"/> says.</param>
    public void Ran(string id, long begin)
    {
        _runs.Add(1, Tag(id));
        _runSeconds.Record(Stopwatch.GetElapsedTime(begin).TotalSeconds, Tag(id));
    }

    /// <summary>Something failed.</summary>
    public void Failed(string id, Problem problem) => _failures.Add(1, Tag(id), new KeyValuePair<string, object?>("problem", problem.Id));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string id) => new("adapter", id);
}
