using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;
using LoraOps.Readers;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>An <c>.onnx_adapter</c> that is active in the runs it is given to. What was checked is what ONNX Runtime gets: one reading.</summary>
public sealed class SessionAdapter : IDisposable
{
    private readonly OrtLoraAdapter _adapter;

    private SessionAdapter(string path, OrtLoraAdapter adapter)
    {
        Path = path;
        _adapter = adapter;
        Options = new RunOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        Options.AddActiveLoraAdapter(adapter);
    }

    /// <summary>Its file.</summary>
    public string Path { get; }

    /// <summary>What a run takes to use it.</summary>
    internal RunOptions Options { get; }

    /// <summary>Reads a file and holds it against a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model that it will run in.</param>
    /// <param name="options">What it may be without.</param>
    /// <exception cref="LoraOpsException">It is damaged or does not fit.</exception>
    public static SessionAdapter Open(string path, AdaptableModel model, AdapterFitOptions? options = null)
    {
        RuntimeEnvironment.Quiet();
        var bytes = InputFile.ReadAll(path, Array.MaxLength, length =>
            OnnxAdapterProblems.TooLarge(path, $"is {length} bytes long; the format ends at 2 GiB"));
        AdapterFit.Demand(OnnxAdapterFile.Read(bytes, path), path, model, options);
        OrtLoraAdapter? adapter = null;
        try
        {
            adapter = OrtLoraAdapter.Create(bytes, null);
            return new SessionAdapter(path, adapter);
        }
        catch (OnnxRuntimeException error)
        {
            adapter?.Dispose();
            throw new LoraOpsException(RunProblems.ModelRefused(path, RuntimeTypes.Reason(error)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The options point to the adapter.
        Options.Dispose();
        _adapter.Dispose();
    }
}
