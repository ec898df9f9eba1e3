namespace LoraOps.Runtime.Tests.Calibrating;

/// <summary>Seeded numbers of several distributions.</summary>
internal static class Values
{
    public static readonly string[] Kinds = ["bell", "uniform", "outliers", "sparse", "magnitudes", "subnormal", "zeros", "positive", "gelu", "constant"];

    public static float[] Of(string kind, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => One(kind, random))];
    }

    public static float Bell(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    private static float One(string kind, Random random) => kind switch
    {
        "bell" => Bell(random),
        "uniform" => (random.NextSingle() * 2) - 1,
        "outliers" => random.Next(2000) == 0 ? 80 * Bell(random) : Bell(random),
        "sparse" => random.Next(50) == 0 ? Bell(random) : 0,
        "magnitudes" => MathF.ScaleB(Bell(random), random.Next(-140, 120)),
        "subnormal" => BitConverter.Int32BitsToSingle(random.Next(1 << 23) | (random.Next(2) << 31)),
        "zeros" => random.Next(2) == 0 ? 0f : -0f,
        "positive" => Math.Max(0, Bell(random)),
        "gelu" => Bell(random) is var x ? x / (1 + MathF.Exp(-1.702f * x)) : 0,
        _ => 3.25f,
    };
}
