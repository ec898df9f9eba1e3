using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>TIES in the directions that the adapters share on their left.</summary>
public sealed class KnotsTiesMix : MixMethod
{
    private const double Floor = 1e-5;

    private static readonly TiesMix Ties = new();

    /// <inheritdoc/>
    public override string Name => "knots-ties";

    /// <inheritdoc/>
    public override string Definition => "[Δ₁ … Δ_T] = U·Σ·[V₁ … V_T]ᵀ, its σ > 1e-5; U·ties(Σ·V₁ᵀ, …, Σ·V_Tᵀ)";

    /// <inheritdoc/>
    public override string Source => "KnOTS, arXiv:2410.19735";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R² + R³ + ties of [R, n] (DoRA: R from min(m, n))";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => Ties.Settings;

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        LowRank[] products = [.. module.Shares.Select(share => ExactFactors.Of(share.Delta, module, this))];
        var (u, rank) = Left(products);

        if (rank == 0)
            return LowRank.Zero(module.Rows, module.Columns);

        // σ·Vᵀ of a task is Uᵀ·Δ of it.
        var panels = ColumnPanels.Of(u, module.Rows, rank);
        var tasks = module.Shares.Zip(products, (share, product) => share with
        {
            Delta = new LowRank(
                Dense.Cross(panels, ColumnPanels.Of(product.B, module.Rows, product.Rank)),
                product.A,
                product.Rank,
                (rank, module.Columns),
                product.Scale),
        }).ToList();
        panels.Release();
        var mixed = Ties.Mix(module with { Shares = tasks }, settings).ToArray();
        return new LowRank(u, mixed, rank, (module.Rows, module.Columns));
    }

    // The right factors only turn the coordinates of their own task: what they span stands for them.
    private static (double[] U, int Rank) Left(LowRank[] products)
    {
        LowRank[] small = [.. products.Select(Coordinates.Columns)];
        var (rows, rank, columns) = (small[0].Rows, small.Sum(product => product.Rank), small.Sum(product => product.Columns));
        var right = new double[checked(rank * columns)];
        var (top, left) = (0, 0);
        foreach (var product in small)
        {
            for (var index = 0; index < product.Rank; index++)
                product.A.AsSpan(index * product.Columns, product.Columns).CopyTo(right.AsSpan(((top + index) * columns) + left));

            (top, left) = (top + product.Rank, left + product.Columns);
        }

        var svd = ThinSvd.Of(new LowRank(Dense.Beside([.. small.Select(product => product.ScaledB())], rows), right, rank, (rows, columns)));
        var count = svd.Sigma.Count(sigma => sigma > Floor);
        var u = Dense.Head(svd.U, svd.Rank, count);
        SignRule.TurnColumns(u, count);
        return (u, count);
    }
}
