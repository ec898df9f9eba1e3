namespace LoraOps.Mixing;

/// <summary>A delta as two factors, and how much of it they hold.</summary>
/// <param name="Factors">The product; √σ on both sides where it was cut.</param>
/// <param name="Energy">‖Δ‖²_F before: the sum of the squares of all elements.</param>
/// <param name="Error">The relative Frobenius error, ‖Δ − factors‖ / ‖Δ‖; 0 of a matrix of zeros.</param>
/// <param name="Sigma">The singular values that are kept, largest first; empty where none was worked out.</param>
public sealed record Truncated(LowRank Factors, double Energy, double Error, IReadOnlyList<double> Sigma)
{
    /// <summary>The share of the energy that is kept, 0 to 1.</summary>
    public double Kept => 1 - (Error * Error);

    /// <summary>True if nothing was cut but rounding.</summary>
    public bool IsExact => Error == 0;

    /// <summary>The same of a multiple of the delta.</summary>
    internal Truncated Times(double factor) => factor == 1 ? this : this with
    {
        Factors = new LowRank(Factors.B, Factors.A, Factors.Rank, (Factors.Rows, Factors.Columns), Factors.Scale * factor),
        Energy = Energy * factor * factor,
        Sigma = [.. Sigma.Select(sigma => Math.Abs(factor) * sigma)],
    };
}
