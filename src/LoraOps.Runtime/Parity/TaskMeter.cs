using System.Numerics.Tensors;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>Counts the labels that candidate and reference meet.</summary>
internal sealed class TaskMeter(string output)
{
    private readonly Side _candidate = new();
    private readonly Side _reference = new();
    private long _scored;

    /// <summary>Adds some samples; both sides are [samples, …, classes].</summary>
    public void Add(Labels labels, int first, TensorShape shape, ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference)
    {
        var wanted = labels.Read(first, shape);
        var classes = (int)shape[-1];
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == Labels.NotScored)
                continue;

            _scored++;
            _candidate.Add(candidate.Slice(i * classes, classes), wanted[i]);
            _reference.Add(reference.Slice(i * classes, classes), wanted[i]);
        }
    }

    public TaskAccuracy Result() => new(output, _scored, _candidate.Share(_scored), _reference.Share(_scored));

    private sealed class Side
    {
        private long _met;
        private bool _broken;

        public void Add(ReadOnlySpan<float> row, int label)
        {
            foreach (var value in row)
                _broken |= !float.IsFinite(value);

            _met += TensorPrimitives.IndexOfMax(row) == label ? 1 : 0;
        }

        public double Share(long scored) => _broken || scored == 0 ? double.NaN : (double)_met / scored;
    }
}
