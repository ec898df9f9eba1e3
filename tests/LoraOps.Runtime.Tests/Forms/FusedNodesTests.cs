using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;
using Microsoft.ML.OnnxRuntime;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>ONNX Runtime's own operators: what is folded into them computes what is folded into the plain graph.</summary>
public sealed class FusedNodesTests : IDisposable
{
    private const int Width = 8;
    private static readonly string[] _parts = ["q_proj", "k_proj", "v_proj"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folds_into_the_blocks_of_a_fused_attention()
    {
        var adapter = Adapter();
        using var checkpoint = Base();
        var options = new MappingOptions { Base = checkpoint };
        var plain = MergedForm.Convert(Plain(), [adapter], options);
        var fused = MergedForm.Convert(Fused(), [adapter], options);

        Assert.Equal([new RowRange(0, 8), new RowRange(16, 8), new RowRange(0, 8)], fused.Sites.Select(site => site.Rows!.Value));
        Assert.All(fused.Sites, site => Assert.Equal("Attention", site.Operator));
        var (expected, actual) = (Run(plain.Model), Run(fused.Model));
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - 1e-5f, pair.First + 1e-5f));
        Assert.NotEqual(Run(Fused())[0], actual[0], 1e-3f);
    }

    [Fact]
    public void Folds_into_a_fused_attention_where_the_map_says()
    {
        File.WriteAllText(_folder["map.json"], """
            {"attn.q_proj": {"at": "Attention_0", "rows": [0, 8]}, "attn.v_proj": {"at": "Attention_0", "rows": [16, 8]}}
            """);
        using var checkpoint = Base();

        var mapped = MergedForm.Convert(Fused(), [Adapter()], new MappingOptions { Map = ModuleMap.Load(_folder["map.json"]) });

        var found = MergedForm.Convert(Fused(), [Adapter()], new MappingOptions { Base = checkpoint });
        Assert.Equal(Run(found.Model), Run(mapped.Model));
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(4, true)]
    [InlineData(8, false)]
    [InlineData(8, true)]
    public void Reads_the_weight_that_MatMulNBits_multiplies_with(int bits, bool hasZeros)
    {
        const int Rows = 4;
        const int Columns = 48;
        const int Block = 16;
        var random = new Random(bits);
        var codes = new byte[Rows * Columns * bits / 8];
        var zeros = new byte[Rows * (((Columns / Block * bits) + 7) / 8)];
        random.NextBytes(codes);
        random.NextBytes(zeros);
        var model = new SmallModel().Input("x", DataType.Float, Columns, Columns).Output("y", DataType.Float, Columns, Rows)
            .Floats("scales", [Rows * Columns / Block], [.. Enumerable.Range(1, Rows * Columns / Block).Select(i => i / 64f)])
            .Node("MatMulNBits", hasZeros ? "x codes scales zeros" : "x codes scales", "y", SmallModel.Int("N", Rows), SmallModel.Int("K", Columns),
                SmallModel.Int("bits", bits), SmallModel.Int("block_size", Block)).Build();
        model.Graph.Initializer.Add(OnnxTensor.Create("codes", DataType.Uint8, [Rows, Columns / Block, Block * bits / 8], codes));
        model.Graph.Initializer.Add(OnnxTensor.Create("zeros", DataType.Uint8, [zeros.Length], zeros));
        OfRuntime(model, 0);

        var use = Assert.Single(WeightUses.Find(new GraphIndex(model)));

        Assert.Equal(new TensorShape(Rows, Columns), use.Shape);
        Assert.True(use.Codes is not null);
        var identity = new float[Columns * Columns];
        for (var i = 0; i < Columns; i++)
            identity[i * (Columns + 1)] = 1;

        var columns = Run(model, identity, [Columns, Columns]);
        Assert.Equal(StoredWeight.Transpose(columns, Columns, Rows), StoredWeight.Read(model, use), (a, b) => Math.Abs(a - b) < 1e-4f);
    }

    private static float[] Values(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - .5f)];
    }

    // q_proj's bias is replaced as well, so that the packed bias is changed in part.
    private WeightedAdapter Adapter()
    {
        new TinyAdapter().With("bias", "\"lora_only\"").Linear("attn.q_proj", Width, Width).Linear("attn.v_proj", Width, Width)
            .Tensor("base_model.model.attn.q_proj.bias", Values(40, Width), Width).WriteTo(_folder["adapter"]);
        return new WeightedAdapter(PeftReader.Read(_folder["adapter"]));
    }

    private Checkpoint Base()
    {
        if (!File.Exists(_folder["base.safetensors"]))
        {
            SafetensorsWriter.Write(_folder["base.safetensors"], [.. _parts.SelectMany((part, i) => new[]
            {
                BufferTensor.FromFloats($"attn.{part}.weight", ElementType.F32, new TensorShape(Width, Width), Values(i, Width * Width)),
                BufferTensor.FromFloats($"attn.{part}.bias", ElementType.F32, new TensorShape(Width), Values(i + 10, Width)),
            })]);
        }

        return Checkpoint.Open(_folder["base.safetensors"]);
    }

    private static OnnxModel Fused()
    {
        float[] rows = [.. _parts.SelectMany((_, i) => Values(i, Width * Width))];
        var model = new SmallModel().Input("x", DataType.Float, 0, 3, Width).Output("y", DataType.Float, 0, 3, Width)
            .Floats("qkv_weight", [Width, 3 * Width], StoredWeight.Transpose(rows, 3 * Width, Width))
            .Floats("qkv_bias", [3 * Width], [.. _parts.SelectMany((_, i) => Values(i + 10, Width))])
            .Node("Attention", "x qkv_weight qkv_bias", "y", SmallModel.Int("num_heads", 2)).Build();
        model.Graph.Node[0].Name = "Attention_0";
        return OfRuntime(model, 0);
    }

    private static OnnxModel Plain()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3, Width).Output("y", DataType.Float, 0, 3, Width)
            .Longs("heads", [4], 0, 0, 2, 4).Longs("joined", [3], 0, 0, Width).Floats("scale", [], .5f);
        for (var i = 0; i < _parts.Length; i++)
        {
            var part = _parts[i];
            model.Floats($"{part}_w", [Width, Width], StoredWeight.Transpose(Values(i, Width * Width), Width, Width))
                .Floats($"attn.{part}.bias", [Width], Values(i + 10, Width))
                .Node("MatMul", $"x {part}_w", $"{part}_p").Node("Add", $"attn.{part}.bias {part}_p", $"{part}_b")
                .Node("Reshape", $"{part}_b heads", $"{part}_h")
                .Node("Transpose", $"{part}_h", part, Perm(part == "k_proj" ? [0, 2, 3, 1] : [0, 2, 1, 3]));
        }

        return model.Node("MatMul", "q_proj k_proj", "products").Node("Mul", "products scale", "scores").Node("Softmax", "scores", "weights")
            .Node("MatMul", "weights v_proj", "mixed").Node("Transpose", "mixed", "turned", Perm([0, 2, 1, 3]))
            .Node("Reshape", "turned joined", "y").Build();
    }

    private static AttributeProto Perm(long[] axes)
    {
        var perm = new AttributeProto { Name = "perm", Type = AttributeProto.Types.AttributeType.Ints };
        perm.Ints.Add(axes);
        return perm;
    }

    private static OnnxModel OfRuntime(OnnxModel model, int node)
    {
        model.Graph.Node[node].Domain = "com.microsoft";
        model.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        return model;
    }

    private float[] Run(OnnxModel model) => Run(model, Values(99, 2 * 3 * Width), [2, 3, Width]);

    private float[] Run(OnnxModel model, float[] values, long[] dims)
    {
        model.Save(_folder["run.onnx"]);
        using var session = new InferenceSession(_folder["run.onnx"]);
        using var input = OrtValue.CreateTensorValueFromMemory(values, dims);
        using var options = new RunOptions();
        using var results = session.Run(options, new Dictionary<string, OrtValue> { ["x"] = input }, ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
