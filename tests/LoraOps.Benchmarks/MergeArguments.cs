using System.Globalization;

namespace LoraOps.Benchmarks;

/// <summary>The size of a merge that is timed.</summary>
internal sealed record MergeArguments(double Gigabytes, int Shards, int Rank, IReadOnlyList<string> Methods, int Rounds)
{
    /// <summary>Arguments by their places; what is left out has the value of the issue's own measurement.</summary>
    public static MergeArguments Parse(string[] arguments)
    {
        string Argument(int index, string fallback) => index < arguments.Length ? arguments[index] : fallback;
        int Count(int index, string fallback) => int.Parse(Argument(index, fallback), CultureInfo.InvariantCulture);
        return new MergeArguments(
            double.Parse(Argument(0, "2.2"), CultureInfo.InvariantCulture),
            Count(1, "3"),
            Count(2, "16"),
            Argument(3, "lora").Split(','),
            Count(4, "5"));
    }

    /// <summary>Measures.</summary>
    public void Run(MergeTiming timing) => timing.Run((long)(Gigabytes * 1e9), Shards, Rank, Methods, Rounds);
}
