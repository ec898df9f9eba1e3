namespace LoraOps.Runtime.Parity;

/// <summary>How often values lie in each of equally wide ranges.</summary>
/// <param name="Min">Where the first range begins.</param>
/// <param name="Max">Where the last one ends.</param>
/// <param name="Counts">The values in each; their sum is the number of finite values that were seen.</param>
public sealed record Histogram(double Min, double Max, IReadOnlyList<long> Counts);
