using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>Queries, keys and values of random sizes in one graph packed and in another apart, and an adapter of some of them.</summary>
internal sealed class PackingLaw
{
    private static readonly string[] _names = ["q_proj", "k_proj", "v_proj"];
    private readonly int _columns;
    private readonly int[] _rows;
    private readonly bool _isTransposed;
    private readonly DataType _type;
    private readonly int _seed;
    private readonly string[] _adapted;

    public PackingLaw(int seed)
    {
        var random = new Random(seed);
        var keys = random.Next(1, 5);
        _seed = seed * 100;
        _rows = [keys * random.Next(1, 4), keys, keys];
        _columns = random.Next(2, 7);
        _isTransposed = random.Next(2) == 0;
        _type = new[] { DataType.Float, DataType.Float16, DataType.Bfloat16 }[random.Next(3)];
        _adapted = [.. _names.Where(_ => random.Next(3) > 0).DefaultIfEmpty("q_proj")];
    }

    public TinyCheckpoint Base() =>
        new([.. _names.Select((name, i) => ($"l.attn.{name}.weight", new long[] { _rows[i], _columns }, Values(i)))]);

    public OnnxModel Packed(bool isNamed) =>
        Graph([("w", [.. _names.SelectMany((_, i) => Values(i))], isNamed ? "/l/attn/qkv_proj/Op" : "")]);

    public OnnxModel Split() => Graph([.. _names.Select((name, i) => (name, Values(i), $"/l/attn/{name}/Op"))]);

    /// <summary>All stored rows in PyTorch's layout, after the merge.</summary>
    public float[] Merged(OnnxModel model, MappingOptions options)
    {
        var adapters = _adapted.Select(name => DenseDelta.Adapter(
            "l.attn." + name, LayerKind.Linear, [Rows(name), _columns], TinyCheckpoint.Random(_seed + name[0], Rows(name) * _columns)));
        var merged = MergedForm.Convert(model, [.. adapters], options).Model;
        return [.. WeightUses.Find(new GraphIndex(merged)).SelectMany(use => StoredWeight.Read(merged, use))];
    }

    private int Rows(string name) => _rows[Array.IndexOf(_names, name)];

    private float[] Values(int part) => TinyCheckpoint.Random(_seed + part, _rows[part] * _columns);

    private OnnxModel Graph((string Name, float[] Values, string Node)[] weights)
    {
        var model = new TinyModel();
        foreach (var (name, values, node) in weights)
        {
            var rows = values.Length / _columns;
            model.Weight(name, _isTransposed ? [_columns, rows] : [rows, _columns])
                .Node(_isTransposed ? "MatMul" : "Gemm", node, ["x", name, name + "_y"], _isTransposed ? [] : [Int("transB", 1)]);
            var type = OnnxTensor.TypeOf((int)_type)!.Value;
            var bytes = new byte[values.Length * type.Bits() / 8];
            ElementCodec.Encode(type, _isTransposed ? StoredWeight.Transpose(values, rows, _columns) : values, bytes);
            model.Model.Graph.Initializer[^1] = OnnxTensor.Create(name, _type, [.. model.Model.Graph.Initializer[^1].Dims], bytes);
        }

        return model.Model;
    }
}
