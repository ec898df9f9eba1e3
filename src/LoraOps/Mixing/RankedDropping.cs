using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// DELLA's dropping (arXiv:2406.11617): an element's probability falls with its place q in the magnitude order of its row,
/// (density − ε) + ((n − 1 − q) / (n − 1)) · 2ε. Nothing is clamped: above 1 an element always stays, from 0 down never.
/// </summary>
internal sealed class RankedDropping
{
    private readonly double[] _probabilities;
    private readonly CounterRandom _random;
    private readonly bool _rescale;
    private readonly ConcurrentBag<MagnitudeSort> _sorts = [];

    /// <summary>The dropping of one delta.</summary>
    /// <param name="columns">n, the elements of a row.</param>
    /// <param name="chance">The mean probability, and how far the outermost lie from it.</param>
    /// <param name="random">The numbers of this delta.</param>
    /// <param name="rescale">True if what stays is divided by its probability.</param>
    public RankedDropping(int columns, (double Density, double Epsilon) chance, CounterRandom random, bool rescale)
    {
        (_random, _rescale, _probabilities) = (random, rescale, new double[columns]);
        for (var place = 0; place < columns; place++)
        {
            _probabilities[place] = columns == 1
                ? chance.Density
                : chance.Density - chance.Epsilon + ((double)(columns - 1 - place) / (columns - 1) * (2 * chance.Epsilon));
        }
    }

    /// <summary>Drops elements of whole rows in place.</summary>
    /// <param name="first">The row of the first value.</param>
    /// <param name="values">Whole rows.</param>
    public void Drop(int first, Span<double> values)
    {
        var columns = _probabilities.Length;
        var pooled = ArrayPool<double>.Shared.Rent(2 * columns);
        var numbers = pooled.AsSpan(0, columns);
        var chances = pooled.AsSpan(columns, columns);
        var sort = _sorts.TryTake(out var idle) ? idle : new MagnitudeSort(columns);
        for (var row = first; !values.IsEmpty; row++, values = values[columns..])
        {
            _random.Fill((long)row * columns, numbers);
            var order = sort.Order(values[..columns]);
            for (var place = 0; place < order.Length; place++)
                chances[order[place]] = _probabilities[place];

            // Divided before, so that what a probability of 0 makes of a value is dropped with it.
            if (_rescale)
                TensorPrimitives.Divide(values[..columns], chances, values[..columns]);

            CounterNoise.Keep(values[..columns], numbers, chances);
        }

        _sorts.Add(sort);
        ArrayPool<double>.Shared.Return(pooled);
    }
}
