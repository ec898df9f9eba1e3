using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// Recognises a batch norm that was folded into a weight: each output row is the base's times γ / √(σ² + ε). The rows tell the
/// factors, and only a norm of the base that gives the same ones is believed.
/// </summary>
internal sealed class FoldedNorm(CheckpointWeights weights)
{
    private const int FewestChannels = 4;
    private const double LargestEpsilon = 0.1;

    // What PyTorch, timm, TensorFlow and Keras use; the checkpoint does not hold it.
    private static readonly double[] _epsilons = [1e-5, 1e-3, 1e-4, 1e-6, 1.001e-5, 2e-5, 1e-2, 1e-8];

    private readonly CheckpointWeights _weights = weights;

    /// <summary>The factors of the rows, or null if no norm explains the stored values.</summary>
    /// <param name="wanted">The module.</param>
    /// <param name="stored">The weight in the graph, in PyTorch's layout.</param>
    /// <param name="type">The type that it is stored as.</param>
    public float[]? Factors(WantedWeight wanted, float[] stored, ElementType type)
    {
        var tolerance = type == ElementType.F32 ? 1e-5f : 4e-3f;
        foreach (var values in _weights.Values(wanted))
        {
            if (values.Length == stored.Length && Measure(values, stored, (int)wanted.Shape.RowLength, tolerance) is { } measured
                && Explain(wanted, measured, tolerance) is { } factors)
            {
                return factors;
            }
        }

        return null;
    }

    // One factor for each row; not a number where the base's row is zero and says nothing. Null if the rows are no multiples.
    private static double[]? Measure(float[] values, float[] stored, int columns, float tolerance)
    {
        var factors = new double[values.Length / columns];
        for (var row = 0; row < factors.Length; row++)
        {
            var mine = values.AsSpan(row * columns, columns);
            var theirs = stored.AsSpan(row * columns, columns);
            double product = 0, square = 0, largest = 0;
            for (var i = 0; i < columns; i++)
            {
                product += (double)mine[i] * theirs[i];
                square += (double)mine[i] * mine[i];
                largest = Math.Max(largest, Math.Abs(theirs[i]));
            }

            factors[row] = square == 0 ? double.NaN : product / square;
            for (var i = 0; i < columns; i++)
            {
                var expected = square == 0 ? 0 : factors[row] * mine[i];
                if (!(Math.Abs(theirs[i] - expected) <= tolerance * largest))
                    return null;
            }
        }

        return factors;
    }

    private float[]? Explain(WantedWeight wanted, double[] measured, float tolerance)
    {
        if (measured.All(double.IsNaN))
            return null;

        const string Variance = ".running_var";
        var norms = _weights.Names.Where(name => name.EndsWith(Variance, StringComparison.Ordinal))
            .Select(name => new ModuleName(name[..^Variance.Length]))
            .OrderByDescending(norm => wanted.Aliases.Max(alias => CommonStart(alias.Value, norm.Value)))
            .ThenBy(norm => norm.Value, StringComparer.Ordinal);
        return norms.Select(norm => Factors(norm, measured, tolerance)).FirstOrDefault(factors => factors is not null);
    }

    private float[]? Factors(ModuleName norm, double[] measured, float tolerance)
    {
        var variance = Vector(norm, "running_var", measured.Length);
        var scale = _weights.Find(norm.Parameter("weight")) is null ? null : Vector(norm, "weight", measured.Length);
        if (variance is null || (scale is null && _weights.Find(norm.Parameter("weight")) is not null))
            return null;

        var (error, factors) = _epsilons.Concat(Measured(variance, scale, measured)).Select(epsilon =>
            {
                var exact = variance.Select((value, i) => (scale?[i] ?? 1) / Math.Sqrt(value + epsilon)).ToArray();
                return (Error: Farthest(exact, measured), Factors: exact);
            })
            .MinBy(pair => pair.Error);
        return error <= tolerance ? Array.ConvertAll(factors, factor => (float)factor) : null;
    }

    // An unusual ε shows best where the variance is smallest; one unknown of many channels proves nothing wrong.
    private static IEnumerable<double> Measured(float[] variance, float[]? scale, double[] measured)
    {
        var smallest = Enumerable.Range(0, variance.Length).Where(i => !double.IsNaN(measured[i]) && measured[i] != 0).OrderBy(i => variance[i]).ToList();
        if (smallest.Count < FewestChannels)
            yield break;

        var first = smallest[0];
        var epsilon = Math.Pow((scale?[first] ?? 1) / measured[first], 2) - variance[first];
        if (epsilon is > 0 and < LargestEpsilon)
            yield return epsilon;
    }

    private float[]? Vector(ModuleName norm, string parameter, int length) =>
        _weights.Find(norm.Parameter(parameter)) is { } tensor && tensor.Type.IsNumeric() && tensor.Shape.ElementCount == length
            ? tensor.ToFloats()
            : null;

    // The largest relative difference; infinite if one is not a number.
    private static double Farthest(double[] exact, double[] measured)
    {
        var farthest = 0.0;
        for (var i = 0; i < exact.Length; i++)
        {
            if (double.IsNaN(measured[i]))
                continue;

            var error = Math.Abs(exact[i] - measured[i]) / Math.Max(1e-30, Math.Abs(exact[i]));
            farthest = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(farthest, error);
        }

        return farthest;
    }

    private static int CommonStart(string left, string right)
    {
        var (mine, theirs) = (left.Split('.'), right.Split('.'));
        var common = 0;
        while (common < Math.Min(mine.Length, theirs.Length) && mine[common] == theirs[common])
            common++;

        return common;
    }
}
