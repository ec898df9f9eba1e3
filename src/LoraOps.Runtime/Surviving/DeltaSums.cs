namespace LoraOps.Runtime.Surviving;

/// <summary>The products of two vectors that cosine, projection and noise are made of; in float64, in order.</summary>
internal sealed class DeltaSums
{
    private double _dot;
    private double _mine;
    private double _theirs;
    private double _noise;

    /// <summary>x·y / (|x| |y|); 1 if both are zero, 0 if one is.</summary>
    public double Cosine => _mine == 0 || _theirs == 0
        ? _mine == _theirs ? 1 : 0
        : Math.Clamp(_dot / (Math.Sqrt(_mine) * Math.Sqrt(_theirs)), -1, 1);

    /// <summary>x·y / |y|²; 0 if y is zero.</summary>
    public double Projection => _theirs == 0 ? 0 : _dot / _theirs;

    /// <summary>|x| / |y|; 1 if both are zero.</summary>
    public double Ratio => _mine == _theirs ? 1 : Math.Sqrt(_mine / _theirs);

    /// <summary>20 log10(|y| / |y − x|) in dB; infinite if they are equal.</summary>
    public double Sqnr => _noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(_theirs / _noise);

    /// <summary>The sums over two arrays.</summary>
    /// <param name="mine">x</param>
    /// <param name="theirs">y, as long.</param>
    public static DeltaSums Of(ReadOnlySpan<float> mine, ReadOnlySpan<float> theirs)
    {
        var sums = new DeltaSums();
        for (var i = 0; i < mine.Length; i++)
            sums.Add(mine[i], theirs[i]);

        return sums;
    }

    /// <summary>Adds one element.</summary>
    public void Add(double mine, double theirs)
    {
        _dot += mine * theirs;
        _mine += mine * mine;
        _theirs += theirs * theirs;
        _noise += (mine - theirs) * (mine - theirs);
    }
}
