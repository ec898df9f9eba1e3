using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>A module's own weight, put together from the nodes that have its rows, without the factors that were folded into them.</summary>
internal static class ModuleWeight
{
    /// <summary>The weight; its values are read when they are asked for.</summary>
    /// <param name="model">The base graph.</param>
    /// <param name="resolution">Where the module is.</param>
    /// <param name="shape">The module's weight in PyTorch's layout.</param>
    public static TargetWeight Of(OnnxModel model, Resolution resolution, TensorShape shape)
    {
        var values = new Lazy<float[]>(() => Read(model, resolution, shape));
        return new TargetWeight(shape, ElementType.F32, (first, part) => values.Value.AsSpan(checked((int)first), part.Length).CopyTo(part));
    }

    private static float[] Read(OnnxModel model, Resolution resolution, TensorShape shape)
    {
        var row = checked((int)shape.RowLength);
        var values = new float[checked((int)shape.ElementCount)];
        foreach (var place in resolution.Places)
            new StoredRows(model, [place]).Weight().CopyTo(values.AsSpan(checked((int)((place.Part?.First ?? 0) * row))));

        return values;
    }
}
