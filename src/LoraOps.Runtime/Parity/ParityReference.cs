using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>What a candidate is held against: another model, or what one gave before.</summary>
public abstract class ParityReference : IDisposable
{
    private protected ParityReference(string path) => Path = path;

    /// <summary>The file that it comes from.</summary>
    public string Path { get; }

    internal virtual int? FixedBatch => null;

    /// <summary>The model, if it is one.</summary>
    internal virtual OnnxSession? Session => null;

    /// <summary>What is active in the model; null for nothing.</summary>
    internal SessionAdapter? Adapter { get; set; }

    /// <summary>A model that is run over the same samples.</summary>
    /// <param name="modelPath">An ONNX file.</param>
    public static ParityReference FromModel(string modelPath) => new ModelReference(OnnxModel.Load(modelPath));

    /// <summary>The same of a model in memory; small outputs are kept, for those who hold many candidates against it.</summary>
    /// <param name="model">Left as it is.</param>
    public static ParityReference FromModel(OnnxModel model) => RememberingReference.Around(() => new ModelReference(model));

    /// <summary>A record of what a model gave, under the candidate's output names, samples on the first axis.</summary>
    /// <param name="record">The file.</param>
    /// <param name="prefix">What stands before the output's name, for example <c>base_</c>.</param>
    public static ParityReference FromRecord(SampleSet record, string prefix = "") => new RecordedReference(record, prefix);

    /// <summary>A model that is loaded already, with nothing active in it; it stays the caller's.</summary>
    /// <param name="session">The model.</param>
    /// <param name="turnOff">Makes samples choose no adapter; null if they choose none.</param>
    internal static ParityReference FromSession(OnnxSession session, Func<SampleSet, SampleSet>? turnOff) => new InactiveReference(session, turnOff);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    internal abstract IEnumerable<Problem> Check(IReadOnlyList<Port> outputs, SampleSet inputs);

    /// <summary>The outputs for some samples.</summary>
    internal abstract IReadOnlyDictionary<string, OutputBlock> Read(IReadOnlyList<Port> outputs, SampleSet inputs, int first, int count);

    /// <summary>Releases a session.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private sealed class ModelReference(OnnxModel model) : ParityReference(model.Path)
    {
        private readonly OnnxSession _session = OnnxSession.Open(model);

        internal override int? FixedBatch => _session.FixedBatch;

        internal override OnnxSession? Session => _session;

        internal override IEnumerable<Problem> Check(IReadOnlyList<Port> outputs, SampleSet inputs)
        {
            var mine = _session.Outputs.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
            return _session.Check(inputs).Concat(outputs.Where(output => !mine.Contains(output.Name))
                .Select(output => ParityProblems.ExpectationMissing(Path, output.Name, NearMisses.Phrase(output.Name, mine))));
        }

        internal override IReadOnlyDictionary<string, OutputBlock> Read(
            IReadOnlyList<Port> outputs, SampleSet inputs, int first, int count) => _session.Run(inputs, first, count, Adapter);

        protected override void Dispose(bool disposing)
        {
            _session.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class InactiveReference(OnnxSession session, Func<SampleSet, SampleSet>? turnOff) : ParityReference(session.Path)
    {
        internal override int? FixedBatch => session.FixedBatch;

        internal override IEnumerable<Problem> Check(IReadOnlyList<Port> outputs, SampleSet inputs) => session.Check(turnOff?.Invoke(inputs) ?? inputs);

        internal override IReadOnlyDictionary<string, OutputBlock> Read(IReadOnlyList<Port> outputs, SampleSet inputs, int first, int count) =>
            session.Run(turnOff?.Invoke(inputs) ?? inputs, first, count);
    }

    private sealed class RecordedReference(SampleSet record, string prefix) : ParityReference(record.Path)
    {
        internal override IEnumerable<Problem> Check(IReadOnlyList<Port> outputs, SampleSet inputs)
        {
            if (record.Count != inputs.Count)
                yield return ParityProblems.SampleCountsDiffer(Path, record.Count, inputs.Path, inputs.Count);

            foreach (var name in outputs.Select(output => prefix + output.Name).Where(name => record.Find(name) is null))
                yield return ParityProblems.ExpectationMissing(Path, name, NearMisses.Phrase(name, record.Tensors.Keys));
        }

        internal override IReadOnlyDictionary<string, OutputBlock> Read(
            IReadOnlyList<Port> outputs, SampleSet inputs, int first, int count) =>
            outputs.ToDictionary(output => output.Name, output => Rows(prefix + output.Name, first, count), StringComparer.Ordinal);

        private OutputBlock Rows(string name, int first, int count)
        {
            var tensor = record.Find(name) ?? throw new InvalidOperationException($"Nobody checked that there is '{name}'.");
            var row = tensor.Shape.RowLength;
            var values = new float[checked((int)(count * row))];
            tensor.ReadFloats(first * row, values);
            return new OutputBlock(new TensorShape([count, .. tensor.Shape.Dims[1..]]), values);
        }
    }
}
