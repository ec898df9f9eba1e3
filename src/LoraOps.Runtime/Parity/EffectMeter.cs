using LoraOps.Runtime.Surviving;

namespace LoraOps.Runtime.Parity;

/// <summary>Gathers the adapter's effect on one output: in the candidate against in the reference, in float64, sample by sample.</summary>
/// <param name="output">The output.</param>
internal sealed class EffectMeter(string output)
{
    private readonly DeltaSums _sums = new();

    /// <summary>Adds values with the adapter and without it.</summary>
    /// <param name="candidate">Of the candidate.</param>
    /// <param name="reference">Of the reference, as many.</param>
    public void Add((float[] With, float[] Without) candidate, (float[] With, float[] Without) reference)
    {
        for (var i = 0; i < candidate.With.Length; i++)
            _sums.Add((double)candidate.With[i] - candidate.Without[i], (double)reference.With[i] - reference.Without[i]);
    }

    /// <summary>The effect over everything that was added.</summary>
    public OutputEffect Result() => new(output, _sums.Cosine, _sums.Ratio);
}
