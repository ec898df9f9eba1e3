using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Recovering;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Recovering;

/// <summary>What the rows of a weight multiply, held against what ONNX Runtime computes: weights times inputs are the layer's outputs.</summary>
public sealed class LayerInputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, "", 1, 1, 0, 0)]
    [InlineData(1, "", 2, 1, 1, 1)]
    [InlineData(2, "", 1, 2, 2, 0)]
    [InlineData(4, "", 2, 1, 0, 1)]
    [InlineData(1, "SAME_UPPER", 2, 1, 0, 0)]
    [InlineData(2, "SAME_LOWER", 2, 1, 0, 0)]
    [InlineData(1, "VALID", 1, 2, 0, 0)]
    public void Patches_times_weights_are_the_outputs_of_a_convolution(long groups, string auto, long stride, long dilation, long before, long after)
    {
        var attributes = new List<AttributeProto> { SmallModel.Int("group", groups), Ints("strides", stride, 1), Ints("dilations", dilation, 1) };
        if (auto.Length > 0)
            attributes.Add(Text("auto_pad", auto));
        else
            attributes.Add(Ints("pads", before, 0, after, 1));

        var model = new SmallModel().Input("x", DataType.Float, 0, 4, 7, 6).Random("w", 8, 4 / groups, 3, 2)
            .Node("Conv", "x w", "y", [.. attributes]).Output("y", DataType.Float, 0, 8, -1, -2).Build();

        Check(model, [2, 4, 7, 6]);
    }

    [Fact]
    public void Patches_of_one_axis()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3, 9).Random("w", 4, 3, 4)
            .Node("Conv", "x w", "y", Ints("strides", 2), Ints("pads", 1, 2)).Output("y", DataType.Float, 0, 4, -1).Build();

        Check(model, [2, 3, 9]);
    }

    [Fact]
    public void Rows_times_weights_are_the_outputs_of_a_product()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3, 5).Random("w", 5, 4)
            .Node("MatMul", "x w", "y").Output("y", DataType.Float, 0, 3, 4).Build();
        Check(model, [2, 3, 5]);
    }

    private void Check(OnnxModel model, long[] dims)
    {
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (product, dim) => product * dim)).Select(_ => random.NextSingle() - 0.5f)];
        var data = new DataFile(_folder).Floats("x", dims, values).Open();
        using var session = OnnxSession.Open(model, SessionSettings.AsWritten);
        var output = session.Run(data, 0, (int)dims[0])["y"];
        var node = WeightedNodes.Find(model, new GraphIndex(model), ChipProfiles.Find("x64-vnni")).Single();
        var input = LayerInput.Of(node)!;
        var weights = model.Read(node.Weight!).ToFloats();
        var isConv = node.Node.OpType == "Conv";
        var outputs = isConv ? (int)output.Shape[1] : (int)output.Shape[output.Shape.Rank - 1];
        var count = input.Count(dims);
        Assert.Equal(output.Values.Length, count * outputs);
        var run = isConv ? count / (int)dims[0] : 1;
        var row = new float[input.Columns];
        for (var at = 0; at < count; at++)
        {
            for (var channel = 0; channel < outputs; channel++)
            {
                input.Copy(values, dims, at, channel / (outputs / input.Groups), row);
                var sum = row.Select((x, k) => (double)x * (isConv ? weights[(channel * row.Length) + k] : weights[(k * outputs) + channel])).Sum();
                var expected = output.Values[isConv ? (((at / run * outputs) + channel) * run) + (at % run) : (at * outputs) + channel];
                Assert.InRange(Math.Abs(sum - expected), 0, 1e-5);
            }
        }
    }

    private static AttributeProto Text(string name, string value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = Google.Protobuf.ByteString.CopyFromUtf8(value) };

    private static AttributeProto Ints(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }
}
