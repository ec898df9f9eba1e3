using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>The definitions of the element-wise methods once more, in plain loops over lists: slow, and nothing is streamed.</summary>
internal static class ElementOracle
{
    /// <summary>The names of the methods.</summary>
    public static IReadOnlyList<string> Methods { get; } =
        ["breadcrumbs", "breadcrumbs-ties", "dare-linear", "dare-ties", "della", "della-linear", "magnitude-prune", "ties"];

    /// <summary>Flat indices, the largest magnitude first, equal ones by index.</summary>
    public static List<int> Order(IReadOnlyList<double> values) => [.. Enumerable.Range(0, values.Count).OrderByDescending(at => Math.Abs(values[at]))];

    /// <summary>The result of a method.</summary>
    public static double[] Mix(string method, MixModule module, MixSettings settings)
    {
        var sparse = module.Shares.Select(share => Sparse(method, module, share, settings)).ToList();
        var weights = module.Shares.Select(share => share.Weight).ToList();
        var mixed = new double[sparse[0].Length];
        for (var at = 0; at < mixed.Length; at++)
        {
            var values = sparse.Select(x => x[at]).ToList();
            mixed[at] = settings.Lambda * (method is "ties" or "dare-ties" or "della" or "breadcrumbs-ties"
                ? Elected(values, weights, settings)
                : Sum(method, values, weights, settings));
        }

        return mixed;
    }

    private static double Sum(string method, List<double> values, List<double> weights, MixSettings settings)
    {
        var (sum, total) = (0.0, weights.Sum());
        for (var owner = 0; owner < values.Count; owner++)
            sum += weights[owner] * values[owner];

        return settings.Normalize && method is "dare-linear" or "della-linear" && Math.Abs(total) >= 1e-8 && settings.Normalize ? sum / total : sum;
    }

    private static double Elected(List<double> values, List<double> weights, MixSettings settings)
    {
        var voices = values.Select((value, owner) => settings.ElectOn == ElectOn.Weighted ? weights[owner] * value : value).ToList();
        var votes = 0.0;
        foreach (var voice in voices)
            votes += settings.MajoritySignMethod == SignVote.Frequency ? Math.Sign(voice) : voice;

        var (sum, count, weight) = (0.0, 0, 0.0);
        for (var owner = 0; owner < values.Count; owner++)
        {
            if (Math.Sign(voices[owner]) != (votes >= 0 ? 1 : -1))
                continue;

            sum += weights[owner] * values[owner];
            count++;
            weight += weights[owner];
        }

        return settings.Divisor switch
        {
            Divisor.Count => sum / Math.Max(1, count),
            Divisor.Weights => sum / (weight == 0 ? 1 : weight),
            _ => sum,
        };
    }

    private static double[] Sparse(string method, MixModule module, MixShare share, MixSettings settings)
    {
        var values = share.Delta.ToArray();
        var density = settings.Density!.Value;
        if (density >= 1)
            return values;

        if (density <= 0)
            return new double[values.Length];

        var keep = (int)(density * values.Length);
        return method switch
        {
            "breadcrumbs" or "breadcrumbs-ties" => Banded(values, keep, (int)(settings.Gamma * values.Length)),
            "dare-linear" or "dare-ties" or "della" or "della-linear" => Dropped(method, values, module, share.Position, settings),
            _ => Banded(values, keep, 0),
        };
    }

    private static double[] Banded(double[] values, int keep, int top)
    {
        var bottom = values.Length - keep - top;
        (top, bottom) = bottom < 0 ? (top + bottom, 0) : (top, bottom);
        var kept = new double[values.Length];
        foreach (var at in Order(values).Skip(top).SkipLast(bottom))
            kept[at] = values[at];

        return kept;
    }

    private static double[] Dropped(string method, double[] values, MixModule module, int position, MixSettings settings)
    {
        var random = new CounterRandom(settings.Seed, module.Name.Value, position);
        var della = method.StartsWith("della", StringComparison.Ordinal);
        var probabilities = della ? Probabilities(values, module.Columns, settings) : [.. values.Select(_ => settings.Density!.Value)];
        var kept = values.Select((value, at) => random.At(at) < probabilities[at] ? value : 0).ToArray();
        var (before, after) = (values.Sum(Math.Abs), kept.Sum(Math.Abs));
        return [.. kept.Select((value, at) => (settings.Rescale ?? (della ? Rescale.InverseProbability : Rescale.InverseDensity)) switch
        {
            _ when value == 0 => 0,
            Rescale.InverseDensity => value / settings.Density!.Value,
            Rescale.InverseProbability => value / probabilities[at],
            Rescale.L1 when before >= 1e-7 && after >= 1e-7 => value * (before / after),
            _ => value,
        })];
    }

    private static double[] Probabilities(double[] values, int columns, MixSettings settings)
    {
        var (probabilities, p, e) = (new double[values.Length], settings.Density!.Value, settings.Epsilon);
        for (var row = 0; row < values.Length / columns; row++)
        {
            var order = Order(values[(row * columns)..((row + 1) * columns)]);
            for (var q = 0; q < columns; q++)
                probabilities[(row * columns) + order[q]] = columns == 1 ? p : p - e + ((columns - 1.0 - q) / (columns - 1) * 2 * e);
        }

        return probabilities;
    }
}
