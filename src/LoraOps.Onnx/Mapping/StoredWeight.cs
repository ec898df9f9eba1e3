using LoraOps.Onnx.Graphs;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Onnx.Mapping;

/// <summary>A weight's values in PyTorch's layout, whatever the graph's own orientation, factor and codes.</summary>
public static class StoredWeight
{
    /// <summary>The types that a weight can be changed in.</summary>
    public static bool IsWritable(ElementType type) => type is ElementType.F32 or ElementType.F16 or ElementType.BF16;

    /// <summary>Reads the effective weight: dequantized, transposed into PyTorch's layout, times Gemm's alpha.</summary>
    public static float[] Read(OnnxModel model, WeightUse use)
    {
        var values = ReadStored(model, use);
        if (use.Alpha != 1)
        {
            foreach (ref var value in values.AsSpan())
                value *= use.Alpha;
        }

        return values;
    }

    /// <summary>Reads the weight without Gemm's alpha.</summary>
    public static float[] ReadStored(OnnxModel model, WeightUse use) => Oriented(
        use.Codes is null ? model.Read(use.Tensor).ToFloats() : Dequantizing.Values(model, use.Tensor, use.Codes), use, isStored: true);

    /// <summary>The size of one quantization step of each element, in PyTorch's layout.</summary>
    public static float[] Steps(OnnxModel model, WeightUse use) =>
        Oriented(Dequantizing.Steps(model, use.Tensor, use.Codes!), use, isStored: true);

    /// <summary>Encodes a weight without Gemm's alpha as the graph stores it.</summary>
    public static byte[] Encode(OnnxModel model, WeightUse use, float[] values)
    {
        var type = model.Read(use.Tensor).Type;
        var bytes = new byte[checked(values.Length * (type.Bits() / 8))];
        ElementCodec.Encode(type, Oriented(values, use, isStored: false), bytes);
        return bytes;
    }

    private static float[] Oriented(float[] values, WeightUse use, bool isStored)
    {
        if (!use.IsTransposed)
            return values;

        var (rows, columns) = isStored ? (use.Shape[1], use.Shape[0]) : (use.Shape[0], use.Shape[1]);
        return Transpose(values, (int)rows, (int)columns);
    }

    /// <summary>The transpose of a row-major [rows, columns] matrix.</summary>
    public static float[] Transpose(ReadOnlySpan<float> values, int rows, int columns)
    {
        var result = new float[values.Length];
        Transposition.Transpose(values, rows, columns, result);
        return result;
    }
}
