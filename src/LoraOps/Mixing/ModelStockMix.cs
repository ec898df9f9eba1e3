namespace LoraOps.Mixing;

/// <summary>The mean of the adapters, shortened by how much they agree; weights are not used.</summary>
public sealed class ModelStockMix : MixMethod
{
    private const double Nothing = 1e-12;

    /// <inheritdoc/>
    public override string Name => "model-stock";

    /// <inheritdoc/>
    public override string Definition => "t·mean(Δ), t = T·c/(1+(T−1)·c), c the mean cosine of all pairs of the T owners; one owner: Δ";

    /// <inheritdoc/>
    public override string Source => "arXiv:2403.19522; mergekit model_stock";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R², never m·n (DoRA: m·n read once more)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["granularity"];

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        if (module.Shares is [var only])
            return only.Delta;

        DeltaMatrix[] deltas = [.. module.Shares.Select(share => share.Delta)];
        var products = InnerProducts.Of(deltas, settings.Granularity);
        var coefficients = new double[products[0, 0].Length];
        for (var group = 0; group < coefficients.Length; group++)
            coefficients[group] = Share(MeanCosine(products, deltas.Length, group), deltas.Length) / deltas.Length;

        return GroupedSum.Of(deltas, [.. deltas.Select(_ => coefficients)], settings.Granularity);
    }

    private static double MeanCosine(InnerProducts products, int count, int group)
    {
        var sum = 0.0;
        for (var i = 1; i < count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var norms = Math.Sqrt(products[i, i][group]) * Math.Sqrt(products[j, j][group]);
                sum += norms > 0 ? Math.Clamp(products[i, j][group] / norms, -1, 1) : 0;
            }
        }

        return sum / (count * (count - 1) / 2);
    }

    private static double Share(double cosine, int count)
    {
        var denominator = 1 + ((count - 1) * cosine);
        return Math.Abs(denominator) < Nothing ? 0 : count * cosine / denominator;
    }
}
