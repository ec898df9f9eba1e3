namespace LoraOps.Onnx.Recovering;

/// <summary>What the channels of an activation take as values over the samples.</summary>
/// <param name="Min">The smallest of each channel.</param>
/// <param name="Max">The largest of each channel.</param>
/// <param name="Mean">The mean of each channel.</param>
/// <param name="Square">The mean of the squares of each channel.</param>
public sealed record ChannelStatistics(float[] Min, float[] Max, double[] Mean, double[] Square)
{
    /// <summary>The largest magnitude of a channel.</summary>
    public float Magnitude(int channel) => Math.Max(Math.Abs(Min[channel]), Math.Abs(Max[channel]));

    /// <summary>The standard deviation of a channel.</summary>
    public double Deviation(int channel) => Math.Sqrt(Math.Max(0, Square[channel] - (Mean[channel] * Mean[channel])));
}
