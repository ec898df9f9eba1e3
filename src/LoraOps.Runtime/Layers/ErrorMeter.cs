using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Runtime.Layers;

/// <summary>Gathers how far a layer's output is from the float model's; in float64, in order.</summary>
internal sealed class ErrorMeter
{
    private readonly GrowingHistogram _errors = new();
    private readonly DeltaSums _sums = new();
    private bool _differs;
    private bool _hasValues;

    /// <summary>SQNR in dB; null if nothing could be compared.</summary>
    public double? Sqnr => _differs || !_hasValues ? null : _sums.Sqnr;

    /// <summary>The errors.</summary>
    public Histogram? Errors => _differs ? null : _errors.Result();

    /// <summary>Adds the values of a batch; other numbers of values are of other tensors.</summary>
    public void Add(ReadOnlySpan<float> candidate, ReadOnlySpan<float> reference)
    {
        _differs |= candidate.Length != reference.Length;
        if (_differs)
            return;

        _hasValues |= candidate.Length > 0;
        for (var i = 0; i < candidate.Length; i++)
        {
            _sums.Add(candidate[i], reference[i]);
            _errors.Add((double)candidate[i] - reference[i]);
        }
    }
}
