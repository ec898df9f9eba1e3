using LoraOps.Adapters;
using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>Elements of every kind that is awkward to sort, and modules of them.</summary>
internal static class ElementSamples
{
    /// <summary>The name of the modules.</summary>
    public const string Name = "model.layers.3.mlp.up_proj";

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["normal", "grid", "zeros", "equal", "mostly-zero", "heavy", "outlier", "tiny"];

    /// <summary>Elements of a kind, the same at each call.</summary>
    public static double[] Of(string kind, int count, int seed = 5)
    {
        var random = new Random(seed);
        var values = MatrixSamples.Values(random, count);
        return kind switch
        {
            "grid" => Array.ConvertAll(values, value => Math.Round(2 * value) / 4),
            "zeros" => new double[count],
            "equal" => Array.ConvertAll(values, value => Math.CopySign(0.375, value)),
            "mostly-zero" => Array.ConvertAll(values, value => Math.Abs(value) < 1.5 ? Math.CopySign(0, value) : value),
            "heavy" => Array.ConvertAll(values, value => Math.Exp(40 * value)),
            "outlier" => [.. values.Select((value, at) => at == count / 2 ? 1e300 : value)],
            "tiny" => Array.ConvertAll(values, value => value * 1e-310),
            _ => values,
        };
    }

    /// <summary>A module whose owners have the elements of a kind.</summary>
    public static MixModule Module(string kind, int rows, int columns, params double[] weights) => Module(weights, [.. weights.Select((_, position) =>
        new MatrixSamples.Elements(Of(kind, rows * columns, 5 + position), rows, columns))]);

    /// <summary>A module of deltas.</summary>
    public static MixModule Module(double[] weights, params DeltaMatrix[] deltas) =>
        new(new ModuleName(Name), [.. deltas.Select((delta, position) => new MixShare(position, weights[position], delta))], weights);
}
