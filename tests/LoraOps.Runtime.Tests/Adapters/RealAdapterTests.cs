using LoraOps.Readers.Samples;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>The files that ONNX Runtime's own tools made, and what it computed with them.</summary>
public sealed class RealAdapterTests
{
    [Fact]
    public void The_query_of_bev_vit_with_the_adapter_of_shanghai_is_as_recorded()
    {
        var data = SampleSet.Open(Fixtures.Path("bev-vit", "ort", "expected.safetensors"));
        using var manager = AdapterManager.Open(Fixtures.Path("bev-vit", "ort", "one-layer.onnx"), new AdapterSettings { TakeForeign = true });
        var info = manager.Load("shanghai", Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter"));
        var x = data.Tensors["x"];
        var inputs = new Dictionary<string, OrtValue> { [manager.Inputs[0].Name] = OrtValue.CreateTensorValueFromMemory(x.ToFloats(), x.Shape.Dims.ToArray()) };

        using var none = manager.Run("base", inputs);
        using var some = manager.Run("shanghai", inputs);

        Near(data.Tensors["y_base"].ToFloats(), none.Floats(manager.Outputs[0].Name));
        Near(data.Tensors["y_adapter"].ToFloats(), some.Floats(manager.Outputs[0].Name));
        Assert.Equal(4336, info.Bytes);
    }

    private static void Near(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.InRange(expected.Zip(found, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-4f);
    }
}
