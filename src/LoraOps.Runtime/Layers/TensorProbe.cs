using LoraOps.Onnx.Graphs;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Layers;

/// <summary>
/// A model that shows tensors from its inside: it runs as it is written, on one thread, and hands each tensor out while the runtime holds it.
/// </summary>
internal sealed class TensorProbe : IDisposable
{
    private TensorProbe(OnnxSession session, IReadOnlyList<string> tensors)
    {
        Session = session;
        Tensors = tensors;
    }

    /// <summary>The model, cut down to what the tensors need.</summary>
    public OnnxSession Session { get; }

    /// <summary>The tensors, each once.</summary>
    public IReadOnlyList<string> Tensors { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="model">Left as it is.</param>
    /// <param name="tensors">Float tensors of the main graph: inputs, or outputs of nodes.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">The runtime refuses it.</exception>
    public static TensorProbe Open(OnnxModel model, IEnumerable<string> tensors)
    {
        var names = tensors.Distinct(StringComparer.Ordinal).ToList();
        return new TensorProbe(OnnxSession.Open(ExposedModel.Of(model, names), SessionSettings.AsWritten), names);
    }

    /// <summary>Runs one batch and shows every tensor; <see cref="OnnxSession.Check"/> has passed.</summary>
    public void Visit(SampleRun run, OutputVisitor visit) => Session.Visit(run.Data, run.First, run.Count, Tensors, visit);

    /// <inheritdoc/>
    public void Dispose() => Session.Dispose();
}
