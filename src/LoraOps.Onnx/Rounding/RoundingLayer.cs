using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Rounding;

/// <summary>A weight whose codes are to be chosen: one row per output channel, one column per element that a row multiplies.</summary>
public sealed class RoundingLayer
{
    private readonly float[] _scales;
    private readonly int _blocks;
    private readonly int _blockSize;

    /// <param name="values">[rows, columns]</param>
    /// <param name="rows">Output channels.</param>
    /// <param name="scales">[rows, blocks]: each row has as many, for runs of <paramref name="blockSize"/> columns.</param>
    /// <param name="blockSize">Columns that share a scale; the last block of a row may be shorter. The number of columns for one scale per row.</param>
    /// <param name="codes">The codes that a weight may have.</param>
    /// <exception cref="ArgumentException">The lengths do not agree.</exception>
    public RoundingLayer(float[] values, int rows, float[] scales, int blockSize, CodeRange codes)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(scales);
        Values = values;
        Rows = rows;
        Columns = rows == 0 ? 0 : values.Length / rows;
        _blockSize = Math.Max(1, blockSize);
        _blocks = (Columns + _blockSize - 1) / _blockSize;
        Codes = codes;
        _scales = scales;
        ZeroPoints = new int[scales.Length];
        if (values.Length != rows * Columns || scales.Length != rows * _blocks)
            throw new ArgumentException($"{values.Length} weights in {rows} rows need {rows * _blocks} scales, there are {scales.Length}.", nameof(scales));
    }

    /// <summary>The real weights, [rows, columns].</summary>
    public float[] Values { get; }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Elements of a row.</summary>
    public int Columns { get; }

    /// <summary>The codes that a weight may have.</summary>
    public CodeRange Codes { get; }

    /// <summary>The code of zero for each scale, [rows, blocks]; 0 if nothing else is said.</summary>
    public int[] ZeroPoints { get; init; }

    /// <summary>The weights of a row.</summary>
    public ReadOnlySpan<float> Row(int row) => Values.AsSpan(row * Columns, Columns);

    /// <summary>Real numbers per code.</summary>
    public float Scale(int row, int column) => _scales[(row * _blocks) + (column / _blockSize)];

    /// <summary>The code nearest to a value; halves to even, as the quantizer rounds.</summary>
    public int Nearest(int row, int column, double value)
    {
        var at = (row * _blocks) + (column / _blockSize);
        var code = Math.Round((double)((float)value / _scales[at]), MidpointRounding.ToEven) + ZeroPoints[at];
        return (int)Math.Clamp(code, Codes.Low, Codes.High);
    }

    /// <summary>The number that a code stands for.</summary>
    public double Real(int row, int column, int code)
    {
        var at = (row * _blocks) + (column / _blockSize);
        return (code - ZeroPoints[at]) * (double)_scales[at];
    }

    /// <summary>Every weight rounded to the nearest code.</summary>
    public int[] Nearest()
    {
        var codes = new int[Values.Length];
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Columns; column++)
                codes[(row * Columns) + column] = Nearest(row, column, Values[(row * Columns) + column]);
        }

        return codes;
    }
}
