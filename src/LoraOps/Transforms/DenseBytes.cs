namespace LoraOps.Transforms;

/// <summary>About how much memory the cutting of a dense matrix takes.</summary>
internal static class DenseBytes
{
    /// <summary>A matrix of so many rows or columns is cut exactly, in float64.</summary>
    public const int Exact = 256;

    private const int Oversampling = 8;
    private const int Steps = 9;
    private const int UsualRank = 128;

    /// <summary>The bytes: a small one in float64 with its factors, a large one as float32 with the directions of all steps.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="rank">The rank that it is cut to; null if an energy decides.</param>
    public static long Of(long rows, long columns, int? rank) => Math.Min(rows, columns) <= Exact
        ? 4 * sizeof(double) * rows * columns
        : (sizeof(float) * rows * columns) + (sizeof(double) * (rows + columns) * Steps * ((rank ?? UsualRank) + Oversampling));
}
