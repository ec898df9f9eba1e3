using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>TIES on the small cores between bases that the adapters share on both sides.</summary>
public sealed class CoreTiesMix : MixMethod
{
    private const double Floor = 1e-10;

    private static readonly TiesMix Ties = new();

    /// <inheritdoc/>
    public override string Name => "core-ties";

    /// <inheritdoc/>
    public override string Definition => "U of [s₁B₁ …], V of [A₁; …]; U·ties(Uᵀ·Δ₁·V, …)·Vᵀ; depends on how B and A share their scale";

    /// <inheritdoc/>
    public override string Source => "Core Space Merging, arXiv:2509.17786";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R² + R³ + ties of [R, R]";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => Ties.Settings;

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool NeedsFactors => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        LowRank[] products = [.. module.Shares.Select(share => (LowRank)share.Delta)];
        var (rows, columns, rank) = (module.Rows, module.Columns, products.Sum(product => product.Rank));
        var left = ThinSvd.Of(new LowRank(
            Dense.Beside([.. products.Select(product => product.ScaledB())], rows), Dense.Identity(rank), rank, (rows, rank)));
        var right = ThinSvd.Of(new LowRank(
            Dense.Identity(rank), [.. products.SelectMany(product => product.A)], rank, (rank, columns)));
        var (tall, wide) = (Count(left), Count(right));
        if (tall == 0 || wide == 0)
            return LowRank.Zero(rows, columns);

        var (u, v) = (Dense.Head(left.U, left.Rank, tall), right.V[..(wide * columns)]);
        SignRule.TurnColumns(u, tall);
        SignRule.TurnRows(v, columns);
        var (panelsU, panelsV) = (ColumnPanels.Of(u, rows, tall), ColumnPanels.OfTransposed(v, columns, wide));
        var cores = module.Shares.Zip(products, (share, product) => share with
        {
            Delta = new LowRank(
                Dense.Cross(panelsU, ColumnPanels.Of(product.B, rows, product.Rank)),
                Dense.Transposed(Dense.Cross(panelsV, ColumnPanels.OfTransposed(product.A, columns, product.Rank)), wide, product.Rank),
                product.Rank,
                (tall, wide),
                product.Scale),
        }).ToList();
        panelsU.Release();
        panelsV.Release();
        var mixed = Ties.Mix(module with { Shares = cores }, settings).ToArray();
        return tall < wide
            ? new LowRank(u, Dense.Product(mixed, v, wide, tall, columns), tall, (rows, columns))
            : new LowRank(Dense.Product(u, mixed, tall, rows, wide), v, wide, (rows, columns));
    }

    private static int Count(ThinSvd svd) => svd.Sigma.Count(sigma => sigma > Floor * svd.Sigma[0]);
}
