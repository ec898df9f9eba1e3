using Google.Protobuf;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed partial class StaticQuantizerTests
{
    [Fact]
    [Raises(ProblemCode.RangeMissing)]
    public void Refuses_ranges_that_do_not_name_every_tensor() => Assert.Equal(
        [(ProblemCode.RangeMissing, "tensor 'x' has no calibrated range")],
        Refused(() => StaticQuantizer.Quantize(Layer(), X64, new Dictionary<string, TensorRange>())));

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(0, float.PositiveInfinity)]
    public void Refuses_a_range_that_is_not_finite(float min, float max) => Assert.Equal(
        ProblemCode.RangeInvalid,
        Refused(() => StaticQuantizer.Quantize(Layer(), X64, new Dictionary<string, TensorRange> { ["x"] = new(min, max) }))[0].Code);

    [Fact]
    public void Refuses_a_weight_that_is_not_finite() => Assert.Equal(
        [(ProblemCode.WeightNotFinite, "weight 'w' holds a NaN or an infinity")],
        Refused(() => Quantize(Ready(new TinyGraph().Floats("w", [1, 2], 1, float.NaN).Node("MatMul", ["x", "w"], "y")), X64)));

    [Fact]
    public void Refuses_an_old_opset() => Assert.Equal(
        ProblemCode.OpsetTooOld, Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph(opset: 12)), X64))[0].Code);

    [Fact]
    public void Refuses_a_model_that_is_quantized_already() => Assert.Equal(
        ProblemCode.AlreadyQuantized, Refused(() => StaticQuantizer.TensorsToCalibrate(Quantize(Layer(), X64).Model, X64))[0].Code);

    [Fact]
    public void Refuses_a_model_without_layers() => Assert.Equal(
        ProblemCode.NothingToQuantize, Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph().Node("Relu", ["x"], "y")), X64))[0].Code);

    [Fact]
    public void Refuses_a_model_whose_layers_all_stay_float_and_says_why() => Assert.Contains(
        "node_y: its K or N are 2, below 16",
        Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph().Random("w", 2, 2).Node("MatMul", ["x", "w"], "y")), Orin))[0].What,
        StringComparison.Ordinal);
}
