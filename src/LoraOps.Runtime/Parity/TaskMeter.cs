using System.Numerics.Tensors;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>Counts the labels that candidate and reference meet.</summary>
internal sealed class TaskMeter(string output)
{
    private readonly Side _candidate = new();
    private readonly Side _reference = new();
    private long _scored;
    private int _classes;

    /// <summary>Adds some samples; both sides are [samples, …, classes].</summary>
    public void Add(Labels labels, int first, TensorShape shape, ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference)
    {
        var wanted = labels.Read(first, shape);
        var classes = (int)shape[-1];
        _classes = Math.Max(_classes, classes);
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == Labels.NotScored)
                continue;

            _scored++;
            _candidate.Add(candidate.Slice(i * classes, classes), wanted[i]);
            _reference.Add(reference.Slice(i * classes, classes), wanted[i]);
        }
    }

    /// <summary>Which class is taken for which; null if there are too many.</summary>
    public Confusion? Confusion() => _classes is > 0 and <= Parity.Confusion.MostClasses
        ? new Confusion(output, _classes, _candidate.Counts(_classes), _reference.Counts(_classes))
        : null;

    public TaskAccuracy Result() => new(output, _scored, _candidate.Share(_scored), _reference.Share(_scored));

    private sealed class Side
    {
        private readonly Dictionary<(int Label, int Place), long> _counts = [];
        private long _met;
        private bool _broken;

        public void Add(ReadOnlySpan<float> row, int label)
        {
            foreach (var value in row)
                _broken |= !float.IsFinite(value);

            var place = TensorPrimitives.IndexOfMax(row);
            _met += place == label ? 1 : 0;
            if (row.Length <= Parity.Confusion.MostClasses)
                _counts[(label, place)] = _counts.GetValueOrDefault((label, place)) + 1;
        }

        public IReadOnlyList<long> Counts(int classes) =>
            [.. Enumerable.Range(0, classes * classes).Select(at => _counts.GetValueOrDefault((at / classes, at % classes)))];

        public double Share(long scored) => _broken || scored == 0 ? double.NaN : (double)_met / scored;
    }
}
