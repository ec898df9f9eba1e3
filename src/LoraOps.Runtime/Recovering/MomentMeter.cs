using LoraOps.Onnx.Rounding;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Runtime.Recovering;

/// <summary>
/// Σ x·xᵀ of a layer's inputs in float64. Every n-th input is taken, counted over all samples, so that their number is bounded; they are
/// added in chunks of fixed length, so that neither batches nor threads change a bit.
/// </summary>
internal sealed class MomentMeter
{
    private const int Chunk = 128;

    private readonly LayerInput _input;
    private readonly double[][] _sums;
    private readonly float[][] _chunks;
    private readonly long _most;
    private readonly int _samples;
    private long _stride;
    private long _seen;
    private int _filled;

    /// <param name="input">What the layer multiplies.</param>
    /// <param name="samples">How many samples there are.</param>
    /// <param name="most">About how many inputs are taken.</param>
    public MomentMeter(LayerInput input, int samples, long most)
    {
        (_input, _samples, _most) = (input, samples, most);
        _sums = [.. Enumerable.Range(0, input.Groups).Select(_ => new double[input.Columns * input.Columns])];
        _chunks = [.. Enumerable.Range(0, input.Groups).Select(_ => new float[input.Columns * Chunk])];
    }

    /// <summary>The bytes that a meter of these inputs takes.</summary>
    public static long Bytes(LayerInput input) => (long)input.Groups * input.Columns * ((input.Columns * 8L) + (Chunk * 4));

    /// <summary>Adds a batch.</summary>
    /// <param name="values">The activation's elements.</param>
    /// <param name="dims">Its dimensions, the first of which counts the samples.</param>
    public void Add(ReadOnlySpan<float> values, ReadOnlySpan<long> dims)
    {
        var count = _input.Count(dims);
        if (_stride == 0)
            _stride = Math.Max(1, (long)count * _samples / Math.Max(1, dims[0]) / _most);

        Span<float> row = _input.Columns <= 4096 ? stackalloc float[_input.Columns] : new float[_input.Columns];
        for (var at = (_stride - (_seen % _stride)) % _stride; at < count; at += _stride)
            Take(values, dims, (int)at, row);

        _seen += count;
    }

    /// <summary>What was added.</summary>
    public SecondMoment Finish()
    {
        Flush();
        var size = _input.Columns;
        foreach (var sums in _sums)
        {
            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j < i; j++)
                    sums[(j * size) + i] = sums[(i * size) + j];
            }
        }

        return new SecondMoment(_sums, size);
    }

    private void Take(ReadOnlySpan<float> values, ReadOnlySpan<long> dims, int at, Span<float> row)
    {
        for (var group = 0; group < _chunks.Length; group++)
        {
            _input.Copy(values, dims, at, group, row);
            for (var column = 0; column < row.Length; column++)
                _chunks[group][(column * Chunk) + _filled] = row[column];
        }

        if (++_filled == Chunk)
            Flush();
    }

    private void Flush()
    {
        var (size, filled) = (_input.Columns, _filled);
        for (var group = 0; group < _sums.Length && filled > 0; group++)
        {
            var (sums, chunk) = (_sums[group], _chunks[group]);
            Rows.For(0, size, (long)size * filled / 2, i =>
            {
                for (var j = 0; j <= i; j++)
                    sums[(i * size) + j] += DotProduct.Of(chunk.AsSpan(i * Chunk, filled), chunk.AsSpan(j * Chunk, filled));
            });
        }

        _filled = 0;
    }
}
