using System.Numerics.Tensors;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>Gathers the distance on one output, sample by sample, in float64.</summary>
internal sealed class OutputMeter(string name)
{
    private readonly Sums _all = new();
    private TensorShape _sample = new();
    private double _worstCosine = 1;
    private double _maxAbs;
    private double _sumAbs;
    private double _kl;
    private long _values;
    private long _rows;
    private long _agreeing;
    private long _candidateNotFinite;
    private long _referenceNotFinite;
    private long _broken;

    private bool HasClasses => _sample.Rank > 0 && _sample[-1] > 1;

    /// <summary>Adds some samples; both sides are [samples, …] of the same shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="candidate">The candidate's values.</param>
    /// <param name="reference">The reference's.</param>
    /// <param name="first">The first sample's place in its data.</param>
    /// <param name="worst">Gathers the worst samples; or null.</param>
    public void Add(TensorShape shape, ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference, int first = 0, WorstSamples? worst = null)
    {
        _sample = new TensorShape(shape.Dims[1..]);
        var length = (int)shape.RowLength;
        for (var at = 0; at < candidate.Length; at += length)
        {
            var mine = candidate.Slice(at, length);
            var theirs = reference.Slice(at, length);
            var cosine = AddSample(mine, theirs);
            if (worst?.Wants(cosine) == true)
                worst.Add(first + (at / length), cosine, Place(mine), Place(theirs));
        }
    }

    /// <summary>The distance over everything that was added.</summary>
    public OutputParity Result()
    {
        var broken = _candidateNotFinite + _referenceNotFinite > 0;
        return new OutputParity
        {
            Name = name,
            SampleShape = _sample,
            Values = _values,
            CandidateNotFinite = _candidateNotFinite,
            ReferenceNotFinite = _referenceNotFinite,
            Broken = _broken,
            Cosine = broken ? double.NaN : _all.Cosine,
            WorstCosine = broken ? double.NaN : _worstCosine,
            Sqnr = broken ? double.NaN : _all.Sqnr,
            MaxAbs = broken ? double.NaN : _maxAbs,
            MeanAbs = broken ? double.NaN : _sumAbs / _values,
            NormRatio = broken ? double.NaN : _all.NormRatio,
            Kl = !HasClasses ? null : broken ? double.NaN : _kl / _rows,
            Top1 = !HasClasses ? null : broken ? double.NaN : (double)_agreeing / _rows,
        };
    }

    // Where a sample has one row of classes.
    private int? Place(ReadOnlySpan<float> values) => HasClasses && _sample.Rank == 1 ? TensorPrimitives.IndexOfMax(values) : null;

    private double AddSample(ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference)
    {
        var sums = new Sums();
        for (var i = 0; i < candidate.Length; i++)
        {
            _candidateNotFinite += float.IsFinite(candidate[i]) ? 0 : 1;
            _referenceNotFinite += float.IsFinite(reference[i]) ? 0 : 1;
            _broken += float.IsFinite(reference[i]) && !float.IsFinite(candidate[i]) ? 1 : 0;
            var difference = Math.Abs((double)candidate[i] - reference[i]);
            _maxAbs = Math.Max(_maxAbs, difference);
            _sumAbs += difference;
            sums.Add(candidate[i], reference[i]);
        }

        _values += candidate.Length;
        _all.Add(sums);
        _worstCosine = Math.Min(_worstCosine, sums.Cosine);
        if (HasClasses)
            AddRows(candidate, reference);

        return sums.Cosine;
    }

    private void AddRows(ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference)
    {
        var classes = (int)_sample[-1];
        for (var at = 0; at < candidate.Length; at += classes)
        {
            var x = candidate.Slice(at, classes);
            var y = reference.Slice(at, classes);
            _rows++;
            _agreeing += TensorPrimitives.IndexOfMax(x) == TensorPrimitives.IndexOfMax(y) ? 1 : 0;
            _kl += Divergence(y, x);
        }
    }

    private static double Divergence(ReadOnlySpan<float> reference, ReadOnlySpan<float> candidate)
    {
        var (p, q) = (LogSumExp(reference), LogSumExp(candidate));
        var sum = 0.0;
        for (var i = 0; i < reference.Length; i++)
            sum += Math.Exp(reference[i] - p) * (reference[i] - p - (candidate[i] - q));

        // Rounding may leave a hair below zero.
        return double.IsNaN(sum) ? sum : Math.Max(0, sum);
    }

    private static double LogSumExp(ReadOnlySpan<float> values)
    {
        double max = TensorPrimitives.Max(values);
        var sum = 0.0;
        foreach (var value in values)
            sum += Math.Exp(value - max);

        return max + Math.Log(sum);
    }

    private sealed class Sums
    {
        private double _dot;
        private double _candidate;
        private double _reference;
        private double _noise;

        public double Cosine => _candidate == 0 || _reference == 0
            ? _candidate == _reference ? 1 : 0
            : Math.Clamp(_dot / (Math.Sqrt(_candidate) * Math.Sqrt(_reference)), -1, 1);

        public double Sqnr => _noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(_reference / _noise);

        public double NormRatio => _candidate == _reference ? 1 : Math.Sqrt(_candidate / _reference);

        public void Add(double candidate, double reference)
        {
            _dot += candidate * reference;
            _candidate += candidate * candidate;
            _reference += reference * reference;
            _noise += (candidate - reference) * (candidate - reference);
        }

        public void Add(Sums other)
        {
            _dot += other._dot;
            _candidate += other._candidate;
            _reference += other._reference;
            _noise += other._noise;
        }
    }
}
