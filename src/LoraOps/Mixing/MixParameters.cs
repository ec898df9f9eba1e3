using System.Globalization;

namespace LoraOps.Mixing;

/// <summary>Every parameter of a mix.</summary>
public static class MixParameters
{
    /// <summary>All of them, in the order in which help shows them.</summary>
    public static IReadOnlyList<MixParameter> All { get; } =
    [
        Number("density", "The share of elements that is kept.", 0, 1, (settings, value) => settings with { Density = value }),
        Whole("rank", "The highest rank of the result.", 1, (settings, value) => settings with { Rank = value }),
        Number("energy", "The share of the squared singular values that is kept at least.", double.Epsilon, 1, (settings, value) =>
            settings with { Energy = value }),
        Number("lambda", "The factor of the result.", -1e6, 1e6, (settings, value) => settings with { Lambda = value }),
        new("normalize", "linear: divide by the sum of the weights.", "true or false", (settings, text) =>
            bool.TryParse(text, out var flag) ? settings with { Normalize = flag } : null) { Placeholder = "true|false", IsFlag = true },
        Word<SignVote>("majority_sign_method", "ties: elect signs by the sum of values or by their number.", (settings, word) =>
            settings with { MajoritySignMethod = word }),
        Word<ElectOn>("elect_on", "ties: what votes, deltas or deltas times weights.", (settings, word) => settings with { ElectOn = word }),
        Word<Divisor>("divisor", "ties: what the sum of agreeing values is divided by.", (settings, word) => settings with { Divisor = word }),
        new("seed", "dare, della: the seed of random dropping.", "a whole number from 0", (settings, text) =>
            ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? settings with { Seed = seed } : null) { Placeholder = "N" },
        Word<Rescale>("rescale", "dare, della: how dropping is made up for.", (settings, word) => settings with { Rescale = word }),
        Number("epsilon", "della: how far probabilities lie from the density.", 0, 0.5, (settings, value) => settings with { Epsilon = value }),
        Number("gamma", "breadcrumbs: the share of the largest elements that is dropped.", 0, 1, (settings, value) => settings with { Gamma = value }),
        Number("t", "slerp: the way from the first adapter to the second.", 0, 1, (settings, value) => settings with { T = value }),
        Word<Granularity>("granularity", "slerp, nuslerp, model-stock: what an angle is taken over.", (settings, word) => settings with { Granularity = word }),
        Whole("keep_per_adapter", "tsv-m: how many singular values of each adapter are kept.", 1, (settings, value) =>
            settings with { KeepPerAdapter = value }),
    ];

    /// <summary>The parameter of a recipe's key; null if there is none.</summary>
    public static MixParameter? Find(string name) => All.FirstOrDefault(parameter => parameter.Name == name);

    private static MixParameter Number(string name, string description, double least, double most, Func<MixSettings, double, MixSettings> apply) =>
        new(name, description, Range(least, most), (settings, text) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
                ? apply(settings, value)
                : null) { Placeholder = "X" };

    private static string Range(double least, double most) => least == double.Epsilon
        ? string.Create(CultureInfo.InvariantCulture, $"a number above 0 to {most:0.######}")
        : string.Create(CultureInfo.InvariantCulture, $"a number from {least:0.######} to {most:0.######}");

    private static MixParameter Whole(string name, string description, int least, Func<MixSettings, int, MixSettings> apply) =>
        new(name, description, $"a whole number from {least}", (settings, text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least
                ? apply(settings, value)
                : null) { Placeholder = "N" };

    private static MixParameter Word<T>(string name, string description, Func<MixSettings, T, MixSettings> apply)
        where T : struct, Enum
    {
        var words = Enum.GetValues<T>().ToDictionary(value => Snake(value.ToString()), value => value);
        return new(name, description, string.Join(", ", words.Keys), (settings, text) =>
            words.TryGetValue(text.Replace('-', '_'), out var word) ? apply(settings, word) : null) { Placeholder = string.Join('|', words.Keys) };
    }

    private static string Snake(string name) => string.Concat(name.Select((c, at) =>
        char.IsUpper(c) && at > 0 && char.IsLetter(name[at - 1]) ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
