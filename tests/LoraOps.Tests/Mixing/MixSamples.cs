using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>Modules with random owners of every shape.</summary>
internal static class MixSamples
{
    /// <summary>The methods that know the adapters by sums, angles and directions.</summary>
    public static IReadOnlyList<string> Methods { get; } =
        ["cat", "core-ties", "iso-c", "knots-ties", "linear", "model-stock", "nuslerp", "slerp", "sum-svd", "task-arithmetic", "tsv-m"];

    /// <summary>A module whose owners are all its adapters.</summary>
    public static MixModule Module(params (double Weight, DeltaMatrix Delta)[] owners) => new(
        new("layers.0.proj"), [.. owners.Select((owner, at) => new MixShare(at, owner.Weight, owner.Delta))], [.. owners.Select(owner => owner.Weight)]);

    /// <summary>A module of random products; a seed says how many, how large, of which ranks and weights.</summary>
    /// <param name="seed">Of everything.</param>
    /// <param name="count">How many owners.</param>
    /// <param name="dense">How many of them, the last ones, are no products.</param>
    public static MixModule Random(int seed, int count, int dense = 0)
    {
        var random = new Random(seed);
        var (rows, columns) = (random.Next(1, 28), random.Next(1, 28));
        return Module([.. Enumerable.Range(0, count).Select(at =>
        {
            DeltaMatrix delta = MatrixSamples.Random(random.Next(), rows, columns, random.Next(1, 7), random.NextDouble() + 0.5);
            return (Math.Round((random.NextDouble() * 2) - 0.5, 2), at < count - dense ? delta : new MatrixSamples.Elements(delta.ToArray(), rows, columns));
        })]);
    }

    /// <summary>The settings of a seed: every one of them changes over the seeds.</summary>
    public static MixSettings Settings(int seed) => new()
    {
        Density = seed % 3 == 0 ? 1 : 0.1 + (0.13 * (seed % 7)),
        Lambda = seed % 4 == 0 ? 1 : 0.6,
        Normalize = seed % 2 == 0,
        MajoritySignMethod = (SignVote)(seed % 2),
        ElectOn = (ElectOn)(seed / 2 % 2),
        Divisor = (Divisor)(seed % 3),
        T = seed % 5 == 0 ? null : 0.11 * (seed % 10),
        Granularity = (Granularity)(seed % 3),
        KeepPerAdapter = seed % 2 == 0 ? null : 1 + (seed % 4),
    };

    /// <summary>How many owners a method takes.</summary>
    public static int Owners(string method, int seed) => MixMethods.Find(method)!.Adapters ?? (1 + (seed % 4));

    /// <summary>The mix.</summary>
    public static DeltaMatrix Mix(string method, MixModule module, MixSettings? settings = null) =>
        MixMethods.Find(method)!.Mix(module, settings ?? new MixSettings { Density = 1 });

    /// <summary>‖a − b‖ beside the larger of ‖b‖ and 1e-3.</summary>
    public static double Error(DeltaMatrix a, DeltaMatrix b)
    {
        var (found, wanted) = (a.ToArray(), b.ToArray());
        return Math.Sqrt(found.Zip(wanted, (x, y) => (x - y) * (x - y)).Sum()) / Math.Max(1e-3, Math.Sqrt(wanted.Sum(value => value * value)));
    }
}
