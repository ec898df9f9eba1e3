using System.Diagnostics;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>
/// One model in memory and its adapters by id: of the form <c>inputs</c>, whose adapters are <c>.onnx_adapter</c> files that come and go,
/// or of the form <c>switchable</c>, whose adapters are in the graph. Every member may be called from any thread, and none waits for a run.
/// </summary>
public sealed class AdapterManager : IDisposable
{
    /// <summary>The id of no adapter: the model as it was before it was adapted.</summary>
    public const string BaseId = "base";

    /// <summary>
    /// The meter in <c>System.Diagnostics.Metrics</c>; its instruments are <c>loraops.adapter.</c> loads, evictions, switches, runs, failures,
    /// run.duration and switch.duration (s), resident_bytes; tags are model, adapter (the id; <c>mixed</c>, <c>blend</c>) and problem.
    /// </summary>
    public const string MeterName = "LoraOps.Runtime";

    private readonly LiveSession _session;
    private readonly AdapterStore _store;
    private readonly AdapterMeter _meter;
    private string _last = BaseId;

    private AdapterManager(LiveSession session, AdaptableModel model, AdapterSettings settings)
    {
        _session = session;
        _meter = new AdapterMeter(Path.GetFileName(session.Path), () => ResidentBytes);
        _store = StoreOf(session, model, settings, _meter);
    }

    /// <summary>What a run must be fed, in graph order; values of adapters are not among them.</summary>
    public IReadOnlyList<Port> Inputs => [.. _session.Inputs.Where(input => input.Name != _store.OwnInput)];

    /// <summary>What comes out, in graph order.</summary>
    public IReadOnlyList<Port> Outputs => _session.Outputs;

    /// <summary>The model's form: <c>inputs</c> or <c>switchable</c>.</summary>
    public string Form => _store.Form;

    /// <summary>The adapters: by id, or in the order of the graph where they are inside it.</summary>
    public IReadOnlyList<AdapterInfo> Adapters => _store.Adapters;

    /// <summary>The bytes of adapter files in memory, never more than <see cref="AdapterSettings.CacheBytes"/>.</summary>
    public long ResidentBytes => _store?.ResidentBytes ?? 0;

    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">An ONNX file of the form <c>inputs</c> or <c>switchable</c>.</param>
    /// <param name="settings">Bounds; null for the defaults.</param>
    /// <exception cref="LoraOpsException">It is no such model, or ONNX Runtime refuses it.</exception>
    public static AdapterManager Open(string modelPath, AdapterSettings? settings = null)
    {
        settings ??= new AdapterSettings();
        var model = AdaptableModel.Of(OnnxModel.Load(modelPath));
        var session = LiveSession.Open(modelPath, settings.Session);
        try
        {
            return new AdapterManager(session, model, settings);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads, checks and activates a file under an id. If the id is there, new runs switch to the file at once, runs under way finish with
    /// the version that they began with, and that is freed when the last of them ends. Whatever fails leaves the old version active.
    /// </summary>
    /// <param name="id">What requests will call it, 1 to 256 characters; a version may be part of it: <c>shanghai@2</c>.</param>
    /// <param name="path">The <c>.onnx_adapter</c> file; it is read again after an eviction, so it must stay as it is.</param>
    /// <exception cref="LoraOpsException">The file is damaged, does not fit or belong to the model, or the cache has no room for it.</exception>
    public AdapterInfo Load(string id, string path) => Guarded(id, () => _store.Load(id, path));

    /// <summary>Makes sure that an adapter is in memory and ready, and the pages of its file too; the next run with it reads nothing.</summary>
    /// <exception cref="LoraOpsException">The id is unknown, or it was evicted and its file is gone or another one by now.</exception>
    public void Preload(string id) => Guarded(id, () =>
    {
        _store.Preload(id);
        return true;
    });

    /// <summary>Preloads an adapter and runs it once, so that the first request pays for nothing at all; use inputs of the usual size.</summary>
    /// <exception cref="LoraOpsException">As for <see cref="Preload(string)"/>, or the run fails.</exception>
    public void Preload(string id, IReadOnlyDictionary<string, OrtValue> inputs)
    {
        Preload(id);
        Run(id, inputs).Dispose();
    }

    /// <summary>Forgets an adapter: new runs with it fail, runs under way finish, and the last of them frees it.</summary>
    /// <exception cref="LoraOpsException">The id is unknown, or the adapter is in the graph.</exception>
    public void Unload(string id) => Guarded(id, () =>
    {
        _store.Unload(id);
        return true;
    });

    /// <summary>Activates an adapter for as many runs as you like.</summary>
    /// <exception cref="LoraOpsException">The id is unknown, or its file cannot be read again.</exception>
    public AdapterLease Acquire(string id) => Lease(id, () => _store.One(id));

    /// <summary>Activates several adapter files for the whole batch; their inputs must be disjoint.</summary>
    /// <exception cref="LoraOpsException">Two set the same input, an id is unknown, or the adapters are in the graph.</exception>
    public AdapterLease AcquireTogether(params IReadOnlyList<string> ids) => Lease(string.Join('+', ids), () => _store.Together(ids));

    /// <summary>Activates an adapter for each row of the batch; the form must be <c>switchable</c>.</summary>
    /// <exception cref="LoraOpsException">An id is unknown, or the adapters are files.</exception>
    public AdapterLease AcquireRows(params IReadOnlyList<string> ids) => Lease("mixed", () => _store.Rows(ids));

    /// <summary>Activates a weighted sum of adapters for all rows; the form must be <c>switchable</c> with weights. No weight is the base.</summary>
    /// <exception cref="LoraOpsException">An id is unknown, a weight is not finite, or the form has no weights.</exception>
    public AdapterLease AcquireBlend(IReadOnlyDictionary<string, float> weights) => Lease("blend", () => _store.Blend([weights], true));

    /// <summary>Activates a weighted sum of adapters for each row.</summary>
    /// <exception cref="LoraOpsException">An id is unknown, a weight is not finite, or the form has no weights.</exception>
    public AdapterLease AcquireBlends(IReadOnlyList<IReadOnlyDictionary<string, float>> rows) => Lease("blend", () => _store.Blend(rows, false));

    /// <summary>Runs the model with one adapter or <see cref="BaseId"/>; <paramref name="inputs"/> has a value for each of <see cref="Inputs"/>.</summary>
    /// <exception cref="LoraOpsException">The id or an input is unknown, an input is missing or set by the adapter, or the run fails.</exception>
    public AdapterOutputs Run(string id, IReadOnlyDictionary<string, OrtValue> inputs)
    {
        using var lease = Acquire(id);
        return lease.Run(inputs);
    }

    /// <summary>Runs the model with an adapter for each row of the batch: <paramref name="ids"/> are as many as it has rows.</summary>
    /// <exception cref="LoraOpsException">The form is not <c>switchable</c>, or as for one adapter.</exception>
    public AdapterOutputs Run(IReadOnlyList<string> ids, IReadOnlyDictionary<string, OrtValue> inputs)
    {
        using var lease = AcquireRows(ids);
        return lease.Run(inputs);
    }

    /// <summary>Lets go of everything; runs and leases that are under way finish with what they hold, and the last one frees it.</summary>
    public void Dispose()
    {
        _store.Close();
        _session.Dispose();
        _meter.Dispose();
    }

    private static AdapterStore StoreOf(LiveSession session, AdaptableModel model, AdapterSettings settings, AdapterMeter meter)
    {
        var form = model.Metadata;
        if (form?.Form == SwitchableForm.Name)
            return new GraphStore(session, form);

        if (session.Overridable.Count == 0 || form is { Form: not InputsForm.Name })
            throw new LoraOpsException(SwitchProblems.FormMissing(session.Path, "has no inputs for adapters and none inside"));

        // Such an output would be the adapter's own memory, gone with it while the caller still reads.
        if (session.OutputNames.FirstOrDefault(session.Overridable.Contains) is { } bare)
            throw new LoraOpsException(SwitchProblems.FormMissing(session.Path, $"gives out the input '{bare}' as it is, which belongs to adapters"));

        if (form is null && !settings.TakeForeign)
            throw new LoraOpsException(SwitchProblems.ModelUnpaired(session.Path));

        return new FileStore(session, new AdapterCache(settings.CacheBytes, new FileCheck(model, settings), meter));
    }

    private AdapterLease Lease(string label, Func<Activation> activate)
    {
        ObjectDisposedException.ThrowIf(!_session.Uses.TryEnter(), this);
        var begin = Stopwatch.GetTimestamp();
        try
        {
            var active = Guarded(label, activate);
            if (Interlocked.Exchange(ref _last, active.Label) != active.Label)
                _meter.Switched(active.Label, begin);

            return new AdapterLease(_session, active, _meter);
        }
        catch
        {
            _session.Uses.Exit();
            throw;
        }
    }

    private T Guarded<T>(string label, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (LoraOpsException error)
        {
            _meter.Failed(label, error.Problems[0]);
            throw;
        }
    }
}
