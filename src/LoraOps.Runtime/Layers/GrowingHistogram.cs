using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Layers;

/// <summary>
/// A histogram of equally wide ranges around zero whose ends move out by powers of two, so that it needs no pass of its own to find them and
/// does not depend on how the values are cut into batches.
/// </summary>
internal sealed class GrowingHistogram
{
    private const int Bins = 64;
    private const int Lowest = -40;
    private long[] _counts = new long[Bins];
    private int _exponent = Lowest;

    /// <summary>Adds a value; what is not finite has no place.</summary>
    public void Add(double value)
    {
        if (!double.IsFinite(value))
            return;

        while (Math.Abs(value) >= Limit)
            Grow();

        _counts[(int)Math.Clamp(Math.Floor((value / Limit + 1) * (Bins / 2)), 0, Bins - 1)]++;
    }

    /// <summary>The counts; null if nothing was added.</summary>
    public Histogram? Result() => _counts.Any(count => count > 0) ? new Histogram(-Limit, Limit, (long[])_counts.Clone()) : null;

    private double Limit => Math.ScaleB(1, _exponent);

    private void Grow()
    {
        var wider = new long[Bins];
        for (var i = 0; i < Bins; i++)
            wider[(Bins / 4) + (i / 2)] += _counts[i];

        _counts = wider;
        _exponent++;
    }
}
