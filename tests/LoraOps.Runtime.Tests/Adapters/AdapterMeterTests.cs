using System.Diagnostics.Metrics;
using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

public sealed class AdapterMeterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, double> _sums = [];
    private readonly MeterListener _listener = new();
    private readonly string _model;

    // Other tests measure at the same time: only this model's figures count.
    public AdapterMeterTests()
    {
        _model = Path.GetFileName(_folder.Path) + ".onnx";
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == AdapterManager.MeterName && instrument.Meter.Tags!.Single().Value!.Equals(_model))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Count(instrument, 1, tags));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Counts_loads_evictions_switches_runs_failures_and_bytes()
    {
        var city = new TinyCity(_folder);
        File.Move(city.Inputs(), _folder[_model]);
        var bytes = new FileInfo(city.Adapter("size", 1)).Length;
        using var manager = AdapterManager.Open(_folder[_model], new AdapterSettings { CacheBytes = bytes });
        manager.Load("a", city.Adapter("a", 1));
        manager.Load("b", city.Adapter("b", 2));
        TinyCity.Run(manager, "b");
        TinyCity.Run(manager, "b");
        TinyCity.Run(manager, "a");
        TinyCity.Run(manager, "base");
        Assert.Throws<LoraOpsException>(() => TinyCity.Run(manager, "c"));
        Assert.Throws<LoraOpsException>(() => manager.Load("c", _folder["missing"]));
        _listener.RecordObservableInstruments();

        Assert.Equal(2, _sums["loraops.adapter.loads a"]);
        Assert.Equal(1, _sums["loraops.adapter.loads b"]);
        Assert.Equal(1, _sums["loraops.adapter.evictions a"]);
        Assert.Equal(1, _sums["loraops.adapter.evictions b"]);
        Assert.Equal(2, _sums["loraops.adapter.runs b"]);
        Assert.Equal(2, _sums["loraops.adapter.run.duration b"]);
        Assert.Equal(1, _sums["loraops.adapter.runs base"]);
        Assert.Equal(1, _sums["loraops.adapter.switches b"]);
        Assert.Equal(1, _sums["loraops.adapter.switch.duration a"]);
        Assert.Equal(1, _sums["loraops.adapter.switches base"]);
        Assert.Equal(1, _sums["loraops.adapter.failures c LORA8052"]);
        Assert.Equal(1, _sums["loraops.adapter.failures c LORA1001"]);
        Assert.Equal(bytes, _sums["loraops.adapter.resident_bytes"]);
    }

    private void Count(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = instrument.Name;
        foreach (var tag in tags)
            key += $" {tag.Value}";

        _sums[key] = _sums.GetValueOrDefault(key) + value;
    }
}
