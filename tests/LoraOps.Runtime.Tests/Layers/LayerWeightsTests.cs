using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Layers;

/// <summary>Whatever form a weight is stored in, the layer of an identity matrix gives it: ONNX Runtime is the oracle.</summary>
public sealed class LayerWeightsTests : IDisposable
{
    private const int Ins = 32;
    private const int Outs = 6;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Float() => Meets(Model().Random("w", Ins, Outs).Named("fc", "MatMul", "x w", "y"), "float");

    [Fact]
    public void Gemm_of_a_turned_weight_times_alpha() => Meets(
        Model().Random("w", Outs, Ins).Named("fc", "Gemm", "x w", "y", SmallModel.Int("transB", 1), Real("alpha", 0.5f)), "float");

    [Fact]
    public void Codes_with_a_scale_for_each_output() => Meets(
        Model().Floats("s", [Outs], [.. Scales(Outs)]).Node("DequantizeLinear", "q s z", "w", SmallModel.Int("axis", 1)).Named("fc", "MatMul", "x w", "y"),
        "int8",
        Stored("q", DataType.Int8, [Ins, Outs]),
        Stored("z", DataType.Int8, [Outs], zero: true));

    [Fact]
    public void Floats_that_become_codes_when_the_model_runs() => Meets(
        Model().Random("f", Ins, Outs).Floats("s", [], 0.01f)
            .Node("QuantizeLinear", "f s z", "q").Node("DequantizeLinear", "q s z", "w").Named("fc", "MatMul", "x w", "y"),
        "int8",
        Stored("z", DataType.Int8, [], zero: true));

    [Fact]
    public void Codes_of_sixteen_bits_with_a_zero_point() => Meets(
        Model().Floats("s", [], 0.0001f).Node("DequantizeLinear", "q s z", "w").Named("fc", "MatMul", "x w", "y"),
        "uint16",
        Stored("q", DataType.Uint16, [Ins, Outs]),
        Stored("z", DataType.Uint16, []));

    [Fact]
    public void Blocks_of_four_bits() => Meets(
        Model().Floats("s", [2, Outs], [.. Scales(2 * Outs)])
            .Node("DequantizeLinear", "q s", "w", SmallModel.Int("axis", 0), SmallModel.Int("block_size", 16)).Named("fc", "MatMul", "x w", "y"),
        "int4",
        Stored("q", DataType.Int4, [Ins, Outs]));

    [Fact]
    public void A_product_of_codes_behind_a_dynamic_quantization() => Meets(
        Model().Floats("s", [Outs], [.. Scales(Outs)])
            .Named("dql", "DynamicQuantizeLinear", "x", "a").Named("fc", "MatMulInteger", "a q az", "i")
            .Node("Cast", "i", "f", SmallModel.Int("to", 1)).Node("Mul", "as s", "c").Node("Mul", "f c", "y"),
        "int8",
        Stored("q", DataType.Int8, [Ins, Outs]));

    [Theory]
    [InlineData(8, false)]
    [InlineData(8, true)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public void MatMulNBits(int bits, bool hasZeros)
    {
        var fc = Model().Floats("s", [Outs * 2], [.. Scales(2 * Outs).Select((scale, i) => hasZeros || i % 3 > 0 ? scale : -scale)])
            .Named("fc", "MatMulNBits", hasZeros ? "x q s z" : "x q s", "y",
                SmallModel.Int("K", Ins), SmallModel.Int("N", Outs), SmallModel.Int("bits", bits), SmallModel.Int("block_size", 16));
        TensorProto[] stored = [Stored("q", DataType.Uint8, [Outs, 2, 16 * bits / 8]), Stored("z", DataType.Uint8, [Outs * (bits == 8 ? 2 : 1)])];
        Meets(fc, $"int{bits}", hasZeros ? stored : stored[..1]);
    }

    [Fact]
    public void Scales_that_do_not_fit_are_refused()
    {
        var model = Model().Floats("s", [Outs - 1], [.. Scales(Outs - 1)])
            .Node("DequantizeLinear", "q s", "w", SmallModel.Int("axis", 1)).Named("fc", "MatMul", "x w", "y").Build();
        model.Graph.Initializer.Add(Stored("q", DataType.Int8, [Ins, Outs]));

        var layer = Assert.Single(LayerWeights.Find(model));

        Assert.Equal(ProblemCode.OnnxTensorInvalid, Assert.Single(Assert.Throws<LoraOpsException>(() => layer.Codes()).Problems).Code);
    }

    private void Meets(SmallModel small, string precision, params TensorProto[] stored)
    {
        var model = small.Build();
        model.Proto.IrVersion = 10;
        model.Proto.OpsetImport[0].Version = 21;
        model.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        model.Graph.Initializer.AddRange(stored);
        foreach (var node in model.Graph.Node.Where(node => node.OpType == "MatMulNBits"))
            node.Domain = "com.microsoft";

        foreach (var node in model.Graph.Node.Where(node => node.OpType == "DynamicQuantizeLinear"))
            node.Output.AddRange(["as", "az"]);

        var layer = Assert.Single(LayerWeights.Find(model));
        var values = layer.Values();

        Assert.Equal(("fc", precision), (layer.Name, layer.Precision));
        Assert.Equal(new long[] { Outs, Ins }, layer.Shape.Dims.ToArray());
        var identity = Enumerable.Range(0, Ins * Ins).Select(i => i / Ins == i % Ins ? 1f : 0f).ToArray();
        using var session = OnnxSession.Open(model, SessionSettings.AsWritten);
        var y = session.Run(new DataFile(_folder).Floats("x", [Ins, Ins], identity).Open(), 0, Ins)["y"].Values;
        for (var k = 0; k < Ins; k++)
        {
            for (var n = 0; n < Outs; n++)
                Assert.Equal(y[(k * Outs) + n], values[(n * Ins) + k], 1e-4f * Math.Max(1, Math.Abs(values[(n * Ins) + k])));
        }

        Assert.Contains(values, value => Math.Abs(value) > 0.01);
        if (layer.Codes() is not { } codes)
            return;

        // The same weight, quantized as it was, is itself.
        Assert.Equal(values, codes.Values());
        Assert.Equal(values, codes.Likewise(values, values).Values(), (one, other) => Math.Abs(one - other) <= 1e-5 * Math.Max(1, Math.Abs(one)));
    }

    private static SmallModel Model() => new SmallModel().Input("x", DataType.Float, 0, Ins).Output("y", DataType.Float, 0, Outs);

    private static IEnumerable<float> Scales(int count) => Enumerable.Range(1, count).Select(i => 0.004f * i);

    private static TensorProto Stored(string name, DataType type, long[] dims, bool zero = false)
    {
        var count = (int)dims.Aggregate(1L, (product, dim) => product * dim);
        var bytes = new byte[type switch { DataType.Int4 => (count + 1) / 2, DataType.Uint16 => count * 2, _ => count }];
        if (!zero)
            new Random(5).NextBytes(bytes);

        return OnnxTensor.Create(name, type, dims, bytes);
    }

    private static AttributeProto Real(string name, float value) => new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float };
}
