namespace LoraOps.Mixing;

/// <summary>Spreads ranks over modules so that the bytes of all factors stay in a limit and most energy is kept.</summary>
public static class RankBudget
{
    /// <summary>
    /// One rank for each module, and then the directions of most energy for a byte, one after another in one order over all modules,
    /// until the next does not fit: a larger budget keeps all that a smaller one does.
    /// </summary>
    /// <param name="modules">The singular values above rounding of each module, largest first, and the bytes of one rank of it.</param>
    /// <param name="bytes">The limit.</param>
    /// <param name="cap">The most ranks of a module.</param>
    /// <returns>The rank of each module; null if not even one rank each fits.</returns>
    public static int[]? Spread(IReadOnlyList<(IReadOnlyList<double> Sigma, long BytesOfRank)> modules, long bytes, int cap = int.MaxValue)
    {
        var ranks = Enumerable.Repeat(1, modules.Count).ToArray();
        var left = bytes - modules.Sum(module => module.BytesOfRank);
        if (left < 0)
            return null;

        var directions =
            from module in Enumerable.Range(0, modules.Count)
            from rank in Enumerable.Range(1, Math.Max(0, Math.Min(modules[module].Sigma.Count, cap) - 1))
            let sigma = modules[module].Sigma[rank]
            orderby sigma * sigma / modules[module].BytesOfRank descending, module, rank
            select module;
        foreach (var module in directions)
        {
            left -= modules[module].BytesOfRank;
            if (left < 0)
                break;

            ranks[module]++;
        }

        return ranks;
    }
}
