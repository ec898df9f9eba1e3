using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Rounding;

/// <summary>Brings a weight from its own layout to one row per output channel, and its codes back.</summary>
public static class WeightRows
{
    /// <summary>The weight for rounding.</summary>
    /// <param name="weight">A Conv's, MatMul's or Gemm's weight.</param>
    public static RoundingLayer Of(LayerWeight weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        var rows = checked((int)weight.Dims[weight.OutputAxis]);
        var scales = weight.Axis >= 0 ? weight.Scales.ToArray() : [.. Enumerable.Repeat(weight.Scales[0], rows)];
        var values = Turned(weight, weight.Values.Span, isBack: false);
        return new RoundingLayer(values, rows, scales, Math.Max(1, values.Length / Math.Max(1, rows)), weight.Codes);
    }

    /// <summary>Codes in the weight's own layout.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="codes">[rows, columns]</param>
    public static sbyte[] Codes(LayerWeight weight, int[] codes)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return [.. Turned(weight, (ReadOnlySpan<int>)codes, isBack: true).Select(code => (sbyte)code)];
    }

    private static T[] Turned<T>(LayerWeight weight, ReadOnlySpan<T> values, bool isBack)
    {
        if (weight.OutputAxis == 0)
            return values.ToArray();

        var (columns, rows) = ((int)(values.Length / weight.Dims[^1]), (int)weight.Dims[^1]);
        var (outer, inner) = isBack ? (rows, columns) : (columns, rows);
        var turned = new T[values.Length];
        for (var i = 0; i < outer; i++)
        {
            for (var j = 0; j < inner; j++)
                turned[(j * outer) + i] = values[(i * inner) + j];
        }

        return turned;
    }
}
