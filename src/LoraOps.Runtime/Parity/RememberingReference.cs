using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>Keeps what another reference gave, up to a bound, and gives it again.</summary>
internal sealed class RememberingReference : ParityReference
{
    private readonly ParityReference _inner;
    private const long MostValues = 1 << 24;
    private readonly Dictionary<(int First, int Count), IReadOnlyDictionary<string, OutputBlock>> _kept = [];
    private long _values;
    private SampleSet? _inputs;

    private RememberingReference(ParityReference inner)
        : base(inner.Path) => _inner = inner;

    internal override int? FixedBatch => _inner.FixedBatch;

    internal override OnnxSession? Session => _inner.Session;

    /// <summary>Around another one, which is disposed with it.</summary>
    public static ParityReference Around(Func<ParityReference> open) => new RememberingReference(open());

    internal override IEnumerable<Problem> Check(IReadOnlyList<Port> outputs, SampleSet inputs) => _inner.Check(outputs, inputs);

    internal override IReadOnlyDictionary<string, OutputBlock> Read(IReadOnlyList<Port> outputs, SampleSet inputs, int first, int count)
    {
        if (!ReferenceEquals(inputs, _inputs))
        {
            _kept.Clear();
            (_inputs, _values) = (inputs, 0);
        }

        if (_kept.TryGetValue((first, count), out var known))
            return known;

        var read = _inner.Read(outputs, inputs, first, count);
        _values += read.Values.Sum(block => (long)block.Values.Length);
        if (_values <= MostValues)
            _kept[(first, count)] = read;

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        _inner.Dispose();
        base.Dispose(disposing);
    }
}
