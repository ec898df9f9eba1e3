namespace LoraOps.Mixing;

/// <summary>The singular vectors of every adapter, made orthogonal to each other.</summary>
public sealed class TsvMMix : MixMethod
{
    private const double Floor = 1e-10;

    /// <inheritdoc/>
    public override string Name => "tsv-m";

    /// <inheritdoc/>
    public override string Definition => "each Δ = U·S·Vᵀ, its k largest; polar([U₁ …])·diag(w·S)·polar([V₁ …])ᵀ";

    /// <inheritdoc/>
    public override string Source => "TSV-Merge, arXiv:2412.00081";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R² + R³, never m·n";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["keep_per_adapter"];

    /// <inheritdoc/>
    public override bool NeedsFactors => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        var (lefts, rights, strengths) = (new List<double[]>(), new List<double[]>(), new List<double>());
        foreach (var share in module.Shares)
        {
            var svd = ThinSvd.Of((LowRank)share.Delta);
            var count = Math.Min(settings.KeepPerAdapter ?? svd.Rank, svd.Rank);
            lefts.Add(Dense.Head(svd.U, svd.Rank, count));
            rights.Add(svd.V[..(count * svd.Columns)]);
            strengths.AddRange(svd.Sigma.Take(count).Select(sigma => share.Weight * sigma));
        }

        var rank = strengths.Count;
        if (rank == 0)
            return LowRank.Zero(module.Rows, module.Columns);

        var left = Polar(new LowRank(Dense.Beside(lefts, module.Rows), Dense.Identity(rank), rank, (module.Rows, rank)));
        var right = Polar(new LowRank(Dense.Identity(rank), [.. rights.SelectMany(part => part)], rank, (rank, module.Columns)));
        for (var at = 0; at < left.Length; at++)
            left[at] *= strengths[at % rank];

        return new LowRank(left, right, rank, (module.Rows, module.Columns));
    }

    // U = P·D·Qᵀ without the D that is rounding: P·Qᵀ, so that adapters that share a direction share its length.
    private static double[] Polar(LowRank vectors)
    {
        var svd = ThinSvd.Of(vectors);
        var count = svd.Sigma.Count(sigma => sigma > Floor * svd.Sigma[0]);
        return Dense.Product(Dense.Head(svd.U, svd.Rank, count), svd.V[..(count * svd.Columns)], count, svd.Rows, svd.Columns);
    }
}
