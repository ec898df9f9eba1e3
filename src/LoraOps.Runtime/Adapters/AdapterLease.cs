using System.Diagnostics;
using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>
/// Adapters that are active and stay as they are until the lease is disposed of: a newer version, an eviction or an unload does not
/// reach it. Any number of threads may run it at once. It has no binding and no asynchronous run, because ONNX Runtime ignores adapters
/// in both; outputs go into the caller's memory with <see cref="RunInto"/>.
/// </summary>
public sealed class AdapterLease : IDisposable
{
    private readonly LiveSession _session;
    private readonly Activation _active;
    private readonly AdapterMeter _meter;
    private readonly UseCount _runs;

    /// <summary>Takes over a use of the session and what is active.</summary>
    internal AdapterLease(LiveSession session, Activation active, AdapterMeter meter)
    {
        _session = session;
        _active = active;
        _meter = meter;
        _runs = new UseCount(() =>
        {
            _active.Dispose();
            _session.Uses.Exit();
        });
    }

    /// <summary>The adapters; empty for the base.</summary>
    public IReadOnlyList<string> Ids => _active.Ids;

    /// <summary>Runs the model.</summary>
    /// <param name="inputs">A value for every input of <see cref="AdapterManager.Inputs"/>.</param>
    /// <exception cref="LoraOpsException">An input is missing, unknown or set by the adapter, or the run fails.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public AdapterOutputs Run(IReadOnlyDictionary<string, OrtValue> inputs) =>
        Measured(inputs, feed => new AdapterOutputs(_session.OutputNames, _session.Run(_active.Options, feed)));

    /// <summary>Runs the model into memory that the caller made: nothing is allocated for the outputs.</summary>
    /// <param name="inputs">A value for every input of <see cref="AdapterManager.Inputs"/>.</param>
    /// <param name="outputs">A value of the right type and shape for every output that is wanted.</param>
    /// <exception cref="LoraOpsException">An input is missing, unknown or set by the adapter, or the run fails.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public void RunInto(IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyDictionary<string, OrtValue> outputs) =>
        Measured(inputs, feed =>
        {
            _session.Run(_active.Options, feed, outputs);
            return true;
        });

    /// <summary>Ends the lease; runs that are under way keep what they use.</summary>
    public void Dispose() => _runs.Close();

    private T Measured<T>(IReadOnlyDictionary<string, OrtValue> inputs, Func<RunFeed, T> run)
    {
        ObjectDisposedException.ThrowIf(!_runs.TryEnter(), this);
        var begin = Stopwatch.GetTimestamp();
        try
        {
            var feed = RunFeed.Of(_session, _active, inputs);
            using var own = _active.Feed(feed);
            var result = run(feed);
            _meter.Ran(_active.Label, begin);
            return result;
        }
        catch (OnnxRuntimeException error)
        {
            var problem = SwitchProblems.RunFailed(_session.Path, _active.Label, RuntimeTypes.Reason(error));
            _meter.Failed(_active.Label, problem);
            throw new LoraOpsException(problem);
        }
        catch (LoraOpsException error)
        {
            _meter.Failed(_active.Label, error.Problems[0]);
            throw;
        }
        finally
        {
            _runs.Exit();
        }
    }
}
