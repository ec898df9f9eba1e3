using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>A loaded model that stays alive as long as a run uses it. Nothing else reaches the runtime, so adapters always count.</summary>
internal sealed class LiveSession : IDisposable
{
    private readonly InferenceSession _session;

    private LiveSession(string path, InferenceSession session)
    {
        Path = path;
        _session = session;
        Inputs = [.. session.InputNames.Select(name => RuntimeTypes.ToPort(path, name, session.InputMetadata[name]))];
        Outputs = [.. session.OutputNames.Select(name => RuntimeTypes.ToPort(path, name, session.OutputMetadata[name]))];
        OutputNames = [.. Outputs.Select(output => output.Name)];
        Overridable = session.OverridableInitializerMetadata.Keys.ToHashSet(StringComparer.Ordinal);
        Options = AdapterVersion.NewOptions();
        Uses = new UseCount(() =>
        {
            Options.Dispose();
            _session.Dispose();
        });
    }

    /// <summary>The model's file.</summary>
    public string Path { get; }

    /// <summary>What must be fed.</summary>
    public IReadOnlyList<Port> Inputs { get; }

    /// <summary>What comes out.</summary>
    public IReadOnlyList<Port> Outputs { get; }

    /// <summary>The names of <see cref="Outputs"/>.</summary>
    public IReadOnlyList<string> OutputNames { get; }

    /// <summary>The inputs that have a default.</summary>
    public IReadOnlySet<string> Overridable { get; }

    /// <summary>Options without an adapter.</summary>
    public RunOptions Options { get; }

    /// <summary>Who runs it; the owner is the manager.</summary>
    public UseCount Uses { get; }

    /// <summary>Loads a model from its file.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses it.</exception>
    public static LiveSession Open(string path, SessionSettings settings)
    {
        using var options = settings.ToOptions();
        InferenceSession? session = null;
        try
        {
            session = new InferenceSession(path, options);
            return new LiveSession(path, session);
        }
        catch (OnnxRuntimeException error)
        {
            session?.Dispose();
            throw new LoraOpsException(RunProblems.ModelRefused(path, RuntimeTypes.Reason(error)));
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    /// <summary>Runs into memory of the runtime; the caller holds a use.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(RunOptions options, RunFeed feed)
    {
        var outputs = _session.Run(options, feed.Names, feed.Values, OutputNames);

        // The binding hands over bare pointers: a value that nobody holds any more would be freed while the runtime reads it.
        GC.KeepAlive(feed);
        return outputs;
    }

    /// <summary>Runs into memory of the caller, who holds a use.</summary>
    public void Run(RunOptions options, RunFeed feed, IReadOnlyDictionary<string, OrtValue> outputs)
    {
        _session.Run(options, feed.Names, feed.Values, [.. outputs.Keys], [.. outputs.Values]);
        GC.KeepAlive(feed);
        GC.KeepAlive(outputs);
    }

    /// <summary>The owner lets go; the model ends with the last run.</summary>
    public void Dispose() => Uses.Close();
}
