using Google.Protobuf;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>A model that ONNX Runtime has loaded on the CPU.</summary>
public sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };

    private readonly BorrowedWeights? _weights;

    private OnnxSession(OnnxModel model, InferenceSession session, BorrowedWeights? weights)
    {
        _weights = weights;
        var path = model.Path;
        Path = path;
        Adaptable = AdaptableModel.Of(model);
        MixesSamples = model.AllNodes().Any(node => node.OpType is "DynamicQuantizeLinear" or "DynamicQuantizeMatMul");
        _session = session;
        Inputs = [.. session.InputNames.Select(name => RuntimeTypes.ToPort(path, name, session.InputMetadata[name]))];
        Outputs = [.. session.OutputNames.Select(name => RuntimeTypes.ToPort(path, name, session.OutputMetadata[name]))];
    }

    /// <summary>The model's file as it was named.</summary>
    public string Path { get; }

    /// <summary>What must be fed, in graph order; inputs with a default are not among them.</summary>
    public IReadOnlyList<Port> Inputs { get; }

    /// <summary>What comes out, in graph order.</summary>
    public IReadOnlyList<Port> Outputs { get; }

    /// <summary>The number of samples that one run takes, or null if the model takes any.</summary>
    public int? FixedBatch => Inputs.Select(input => input.Batch).FirstOrDefault(size => size is not null);

    /// <summary>True if codes are spread over all samples of a run, so that what a sample gives depends on its neighbours.</summary>
    public bool MixesSamples { get; }

    /// <summary>What of it an adapter overrides, and what it says of its form.</summary>
    public AdaptableModel Adaptable { get; }

    /// <summary>Loads a file.</summary>
    /// <exception cref="LoraOpsException">It is no ONNX model, or the runtime refuses it.</exception>
    public static OnnxSession Open(string modelPath, SessionSettings? settings = null) =>
        Open(OnnxModel.Load(modelPath), settings);

    /// <summary>Loads a model as it is in memory; tensors that are still external are read from its folder.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses the model, or it is too large for one message.</exception>
    public static OnnxSession Open(OnnxModel model, SessionSettings? settings = null)
    {
        using var options = (settings ?? new SessionSettings()).ToOptions();
        var weights = settings is { IsLean: true, Optimization: GraphOptimization.None } ? BorrowedWeights.Of(model, options) : null;
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", weights?.Folder ?? settings?.ExternalFolder ?? model.Folder);
        try
        {
            return Open(model, new InferenceSession(weights?.Message.ToByteArray() ?? Message(model), options), weights);
        }
        catch (OnnxRuntimeException error)
        {
            weights?.Dispose();
            throw new LoraOpsException(RunProblems.ModelRefused(model.Path, RuntimeTypes.Reason(error)));
        }
        catch (LoraOpsException)
        {
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>Everything that keeps these data from being fed: missing inputs and wrong shapes.</summary>
    public IReadOnlyList<Problem> Check(SampleSet data) => data.IsRagged
        ? [.. data.Groups.SelectMany(group => SampleFeed.Check(Path, Inputs, group)).Distinct()]
        : SampleFeed.Check(Path, Inputs, data);

    /// <summary>Runs samples and gives every output, [samples, …].</summary>
    /// <param name="data">Tensors named like the inputs; others are ignored.</param>
    /// <param name="first">The first sample.</param>
    /// <param name="count">How many; a model with a fixed batch is run as often as needed.</param>
    /// <param name="adapter">What is active meanwhile; null for the defaults of the graph.</param>
    /// <exception cref="LoraOpsException">The data do not fit the inputs, or the run fails.</exception>
    public IReadOnlyDictionary<string, OutputBlock> Run(SampleSet data, int first, int count, SessionAdapter? adapter = null)
    {
        if (Check(data) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var names = Outputs.Select(output => output.Name).ToList();
        var parts = names.ToDictionary(name => name, _ => new List<OutputBlock>(), StringComparer.Ordinal);
        foreach (var (at, size) in Batches.Of(first, count, FixedBatch ?? count))
            Visit(data, at, size, names, (name, shape, values) => parts[name].Add(new OutputBlock(shape, values.ToArray())), adapter);

        return names.ToDictionary(name => name, name => Joined(name, parts[name], count), StringComparer.Ordinal);
    }

    /// <summary>Runs one batch, at most <see cref="FixedBatch"/> samples, and shows each output without keeping it; <see cref="Check"/> has passed.</summary>
    internal void Visit(
        SampleSet data, int first, int count, IReadOnlyCollection<string> outputs, OutputVisitor visit, SessionAdapter? adapter = null)
    {
        using var feed = SampleFeed.Read(Inputs, data, first, count);
        using var results = RunOnce(feed, data, outputs, adapter);
        foreach (var (name, value) in outputs.Zip(results))
            Show(name, value, feed, visit);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
        _weights?.Dispose();
    }

    private static OnnxSession Open(OnnxModel model, InferenceSession session, BorrowedWeights? weights)
    {
        try
        {
            return new OnnxSession(model, session, weights);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private IDisposableReadOnlyCollection<OrtValue> RunOnce(
        SampleFeed feed, SampleSet data, IReadOnlyCollection<string> outputs, SessionAdapter? adapter)
    {
        try
        {
            return _session.Run(adapter?.Options ?? _options, feed.Values, outputs);
        }
        catch (OnnxRuntimeException error)
        {
            throw new LoraOpsException(RunProblems.RunFailed(Path, data.Path, RuntimeTypes.Reason(error)));
        }
    }

    private static void Show(string name, OrtValue value, SampleFeed feed, OutputVisitor visit)
    {
        var info = value.GetTensorTypeAndShape();
        var shape = new TensorShape(info.Shape);
        if (shape.Rank > 0 && shape[0] == feed.Batch && feed.Batch > feed.Count)
            shape = new TensorShape([feed.Count, .. shape.Dims[1..]]);

        var count = checked((int)shape.ElementCount);
        if (RuntimeTypes.From(info.ElementDataType) is ElementType.F32)
        {
            visit(name, shape, value.GetTensorDataAsSpan<float>()[..count]);
            return;
        }

        var type = RuntimeTypes.From(info.ElementDataType)!.Value;
        var floats = new float[count];
        ElementCodec.Decode(type, value.GetTensorMutableRawData()[..(count * (type.Bits() / 8))], floats);
        visit(name, shape, floats);
    }

    private OutputBlock Joined(string name, List<OutputBlock> parts, int count)
    {
        var shape = parts[0].Shape;
        if (shape.Rank == 0 || parts.Sum(part => part.Shape.Rank == 0 ? 0 : part.Shape[0]) != count)
            throw new LoraOpsException(RunProblems.OutputNotSampled(Path, name, shape.ToString(), count));

        return new OutputBlock(new TensorShape([count, .. shape.Dims[1..]]), [.. parts.SelectMany(part => part.Values)]);
    }

    private static byte[] Message(OnnxModel model)
    {
        // The message's own size is an int that overflows in silence.
        var inline = model.AllTensors().Sum(tensor => (long)tensor.RawData.Length);
        return inline < OnnxModel.MaxMessageBytes - (1 << 26)
            ? model.Proto.ToByteArray()
            : throw new LoraOpsException(RunProblems.ModelRefused(model.Path, "its inline tensors are larger than 2 GiB together"));
    }
}
