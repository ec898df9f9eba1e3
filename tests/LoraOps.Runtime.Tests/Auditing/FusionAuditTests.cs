using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Auditing;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Preparing;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Auditing;

public sealed class FusionAuditTests
{
    [Theory]
    [InlineData("torchscript")]
    [InlineData("dynamo")]
    public void A_float_model_has_only_float_nodes(string exporter)
    {
        var counts = FusionAudit.Count(OnnxModel.Load(Fixtures.Path("neck-cnn", "onnx", exporter, "model.onnx")));

        Assert.Equal(0, counts.IntegerNodes);
        Assert.Equal(8, counts.FloatWeighted.Count);
        Assert.Equal(0, counts.Quantize + counts.Dequantize);
    }

    [Theory]
    [InlineData("bev-vit", "torchscript")]
    [InlineData("bev-vit", "dynamo")]
    public void A_model_quantized_for_the_cpu_runs_integer_kernels(string name, string exporter)
    {
        var prepared = GraphPreparation.Prepare(OnnxModel.Load(Fixtures.Path(name, "onnx", exporter, "model.onnx")));
        var chip = ChipProfiles.Find("x64-vnni");
        var data = SampleSet.Open(Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"));
        var ranges = MinMaxCalibrator.Calibrate(prepared, StaticQuantizer.TensorsToCalibrate(prepared, chip), data, default);

        var counts = FusionAudit.Count(StaticQuantizer.Quantize(prepared, chip, ranges).Model);

        // Four layers of q, k, v, out, up and down; the patch convolution and the head may stay float.
        Assert.True(counts.IntegerNodes >= 24, string.Join(", ", counts.Integer));
        Assert.True(counts.FloatWeighted.Count <= 2, string.Join(", ", counts.FloatWeighted));
        Assert.True(counts.Nodes > 0);
    }
}
