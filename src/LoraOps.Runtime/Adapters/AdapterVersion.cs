using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>
/// One file of an adapter, ready to run. The run options hold a raw pointer to the runtime's adapter, so both end together, and
/// only when no run uses them.
/// </summary>
internal sealed class AdapterVersion : IDisposable
{
    private readonly OrtLoraAdapter _adapter;

    private AdapterVersion(CheckedFile file, OrtLoraAdapter adapter, Action<AdapterVersion> ended)
    {
        File = file;
        _adapter = adapter;
        Options = NewOptions();
        Options.AddActiveLoraAdapter(adapter);
        Uses = new UseCount(() =>
        {
            Options.Dispose();
            _adapter.Dispose();
            ended(this);
        });
    }

    /// <summary>The file as it was checked.</summary>
    public CheckedFile File { get; }

    /// <summary>Who runs it; the owner is the cache.</summary>
    public UseCount Uses { get; }

    /// <summary>Options with this adapter active; any number of runs may share them.</summary>
    public RunOptions Options { get; }

    /// <summary>False once the cache has given its bytes away.</summary>
    public bool IsCounted { get; set; } = true;

    /// <summary>Hands a checked file to the runtime.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses it, or the file is another one by now.</exception>
    public static AdapterVersion Open(CheckedFile file, AdapterStorage storage, Action<AdapterVersion> ended)
    {
        try
        {
            return new AdapterVersion(file, storage == AdapterStorage.Copied ? Copy(file) : Map(file), ended);
        }
        catch (OnnxRuntimeException error)
        {
            throw new LoraOpsException(SwitchProblems.AdapterRefused(file.Path, RuntimeTypes.Reason(error)));
        }
    }

    /// <summary>Options without an adapter that keep the runtime silent.</summary>
    public static RunOptions NewOptions() => new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };

    /// <summary>Makes this adapter active in other options too; they must not outlive a use of it.</summary>
    public void AddTo(RunOptions options) => options.AddActiveLoraAdapter(_adapter);

    /// <summary>The owner lets go; what it holds ends with the last run.</summary>
    public void Dispose() => Uses.Close();

    private static OrtLoraAdapter Copy(CheckedFile file) => OrtLoraAdapter.Create(file.ReadAgain(), null);

    // The runtime opens the path by itself: only the digest tells that it got what was checked.
    private static OrtLoraAdapter Map(CheckedFile file)
    {
        var adapter = OrtLoraAdapter.Create(file.Path, null);
        try
        {
            file.CheckUnchanged();
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }
}
