using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <summary>
/// Constants that FP16 cannot hold. Exporters write the mask of attention as the lowest float32; converted to FP16 it is −∞,
/// and a row of nothing but −∞ is NaN after the softmax. −65504 masks as well.
/// </summary>
internal static class HalfRange
{
    /// <summary>The largest finite FP16.</summary>
    public const float Max = 65504;

    /// <summary>Clamps finite constants to the range of FP16 and says which.</summary>
    public static IEnumerable<string> Clamp(OnnxModel model)
    {
        var clamped = new List<string>();
        foreach (var tensor in model.AllTensors().Where(tensor => tensor.DataType == (int)TensorProto.Types.DataType.Float))
        {
            var values = model.Read(tensor).ToFloats();
            if (!values.Any(IsBeyond))
                continue;

            for (var i = 0; i < values.Length; i++)
                values[i] = IsBeyond(values[i]) ? Math.Clamp(values[i], -Max, Max) : values[i];

            model.Write(tensor, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            clamped.Add($"constant '{tensor.Name}' is clamped to ±65504, the range of FP16");
        }

        return clamped;
    }

    /// <summary>True for a finite number that FP16 turns into an infinity.</summary>
    public static bool IsBeyond(float value) => float.IsFinite(value) && Math.Abs(value) > Max;
}
