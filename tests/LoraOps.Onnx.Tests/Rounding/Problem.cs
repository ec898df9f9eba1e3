using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Rounding;

namespace LoraOps.Onnx.Tests.Rounding;

/// <summary>A seeded layer with correlated inputs, and its error worked out from the inputs themselves.</summary>
internal sealed class Problem
{
    private readonly double[][] _inputs;

    public Problem(int seed, int rows, int columns, int blockSize = int.MaxValue, CodeRange? codes = null)
    {
        var random = new Random(seed);
        double Next() => random.NextDouble() - 0.5;
        float[] weights = [.. Enumerable.Range(0, rows * columns).Select(_ => (float)Next())];
        var block = Math.Min(blockSize, columns);
        var blocks = (columns + block - 1) / block;
        var range = codes ?? CodeRange.Int8Symmetric;
        float[] scales = [.. Enumerable.Range(0, rows * blocks).Select(at => weights.AsSpan(at / blocks * columns, columns).ToArray()
            .Skip(at % blocks * block).Take(block).Max(Math.Abs) / range.High)];
        Layer = new RoundingLayer(weights, rows, scales, block, range);
        var mixing = Enumerable.Range(0, columns).Select(_ => Enumerable.Range(0, columns).Select(_ => Next()).ToArray()).ToArray();
        _inputs = [.. Enumerable.Range(0, 3 * columns).Select(_ =>
        {
            var hidden = Enumerable.Range(0, columns).Select(at => Next() / (1 + at)).ToArray();
            return mixing.Select(line => line.Zip(hidden, (x, y) => x * y).Sum() + 0.05).ToArray();
        })];
        var moment = new double[columns * columns];
        foreach (var input in _inputs)
        {
            for (var i = 0; i < moment.Length; i++)
                moment[i] += input[i / columns] * input[i % columns];
        }

        Moment = new SecondMoment([moment], columns);
    }

    public RoundingLayer Layer { get; }

    public SecondMoment Moment { get; }

    /// <summary>‖(W − Ŵ)·x‖² of a row over the inputs.</summary>
    public double Error(int row, ReadOnlySpan<int> codes)
    {
        var chosen = codes.ToArray();
        var values = Layer.Row(row).ToArray();
        return _inputs.Sum(input => Math.Pow(input.Select((x, i) => x * (Layer.Real(row, i, chosen[i]) - values[i])).Sum(), 2));
    }

    public double Error(int[] codes) => Enumerable.Range(0, Layer.Rows).Sum(row => Error(row, codes.AsSpan(row * Layer.Columns, Layer.Columns)));
}
