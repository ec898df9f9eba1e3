namespace LoraOps.Onnx.Recovering;

/// <summary>SmoothQuant's factors, Xiao et al. 2022 (arXiv 2211.10438): s_j = max|X_j|^α ÷ max|W_j|^(1 − α).</summary>
public static class SmoothFactors
{
    /// <summary>The smallest factor.</summary>
    public const double Floor = 1e-5;

    /// <summary>One factor per channel; 1 for a channel whose values or weights are all zero, which has nothing to balance.</summary>
    /// <param name="activations">The values.</param>
    /// <param name="weights">The largest magnitude that each channel is multiplied with.</param>
    /// <param name="alpha">0 leaves all difficulty to the activations, 1 moves it to the weights.</param>
    public static double[] Of(ChannelStatistics activations, float[] weights, double alpha)
    {
        ArgumentNullException.ThrowIfNull(activations);
        ArgumentNullException.ThrowIfNull(weights);
        var factors = new double[weights.Length];
        for (var channel = 0; channel < factors.Length; channel++)
        {
            var (x, w) = ((double)activations.Magnitude(channel), (double)weights[channel]);
            factors[channel] = x > 0 && w > 0 ? Math.Max(Math.Pow(x, alpha) / Math.Pow(w, 1 - alpha), Floor) : 1;
        }

        return factors;
    }
}
