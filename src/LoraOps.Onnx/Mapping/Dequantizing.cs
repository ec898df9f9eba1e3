using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>What DequantizeLinear computes of stored codes: one scale, one for each index of an axis, or one for each block.</summary>
internal static class Dequantizing
{
    /// <summary>(code − zero point) · scale, row-major as the codes.</summary>
    public static float[] Values(OnnxModel model, TensorProto codes, QuantizedCodes how)
    {
        if (how.Packed is { } packed)
            return packed.Values(model, codes);

        var values = model.Read(codes).ToFloats();
        var zeros = how.Zero is null ? null : model.Read(how.Zero).ToFloats();
        var scales = model.Read(how.Scale).ToFloats();
        for (var i = 0; i < values.Length; i++)
        {
            var at = ScaleOf(codes, how, i, scales.Length);
            values[i] = (values[i] - (zeros?[at] ?? 0)) * scales[at];
        }

        return values;
    }

    /// <summary>The scale of each code.</summary>
    public static float[] Steps(OnnxModel model, TensorProto codes, QuantizedCodes how)
    {
        if (how.Packed is { } packed)
            return packed.Steps(model);

        var scales = model.Read(how.Scale).ToFloats();
        var steps = new float[model.Read(codes).Shape.ElementCount];
        for (var i = 0; i < steps.Length; i++)
            steps[i] = Math.Abs(scales[ScaleOf(codes, how, i, scales.Length)]);

        return steps;
    }

    /// <summary>True if there are as many scales, and as many zero points, as the dimensions and the axis ask for.</summary>
    public static bool Fits(OnnxModel model, TensorProto codes, QuantizedCodes how)
    {
        if (how.Packed is { } packed)
            return packed.Fits(model, codes);

        var scales = model.Read(how.Scale).Shape.ElementCount;
        if (how.Axis < 0 || how.Axis >= codes.Dims.Count || codes.Dims.Contains(0))
            return false;

        if (how.Zero is not null && model.Read(how.Zero).Shape.ElementCount != scales)
            return false;

        var length = codes.Dims[how.Axis];
        var blocks = how.Block > 0 ? (length + how.Block - 1) / how.Block : length;
        return scales == 1 || scales == (how.Block > 0 ? model.Read(codes).Shape.ElementCount / length * blocks : length);
    }

    private static long ScaleOf(TensorProto codes, QuantizedCodes how, long element, int scales)
    {
        if (scales == 1)
            return 0;

        long inner = 1;
        for (var axis = how.Axis + 1; axis < codes.Dims.Count; axis++)
            inner *= codes.Dims[axis];

        var length = codes.Dims[how.Axis];
        var index = element / inner % length;
        if (how.Block == 0)
            return index;

        var blocks = (length + how.Block - 1) / how.Block;
        return (((element / inner / length * blocks) + (index / how.Block)) * inner) + (element % inner);
    }
}
