using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Branches;

/// <summary>How strongly each adapter acts on each sample: w [batch, adapters], from the model's new input, and what is derived from it.</summary>
internal sealed class SampleWeights
{
    private const string IndexInput = "adapter";
    private const string WeightsInput = "adapter_weights";
    private readonly OnnxModel _model;
    private readonly NameSet _names;
    private readonly ModelConstants _constants;
    private readonly NodeChain _first;
    private readonly Dictionary<(string Columns, ElementType Type), string> _spread = [];
    private readonly int _adapters;
    private readonly BatchInput? _leader;
    private string? _batch;
    private readonly Dictionary<ElementType, string> _weights = [];

    /// <summary>Adds the input.</summary>
    /// <param name="model">The model.</param>
    /// <param name="names">Its names.</param>
    /// <param name="constants">Its constants.</param>
    /// <param name="adapters">How many adapters there are.</param>
    /// <param name="leader">The input whose samples are counted.</param>
    public SampleWeights(OnnxModel model, NameSet names, ModelConstants constants, int adapters, BatchInput? leader)
    {
        _leader = leader;
        var batch = leader?.Samples ?? new TensorShapeProto.Types.Dimension { DimParam = "batch" };
        (_model, _names, _constants, _adapters) = (model, names, constants, adapters);
        _first = new NodeChain(names, "/loraops");
        Input = new TensorShapeProto { Dim = { batch.Clone() } };
    }

    private TensorShapeProto Input { get; }

    /// <summary>The numbers of the adapters, 0 for the base; null if the input is weights.</summary>
    public string? Index { get; private set; }

    /// <summary>Puts the nodes that derive the weights before all others; nothing can be asked for afterwards.</summary>
    public void Finish() => _first.InsertInto(_model.Graph, 0);

    /// <summary>
    /// Takes the number of one adapter per sample. A number that no adapter has must not mean the base: Gather refuses what lies behind its
    /// table, and negative numbers, which it would count from the end, are put there.
    /// </summary>
    public void TakeIndex()
    {
        var input = Counted(AddInput(IndexInput, DataType.Int64), []);
        var isNegative = _first.Value("Less", input, _constants.Integer(0));
        Index = _first.Value("Where", isNegative, _constants.Integer(_adapters + 1), input);
        var table = new float[(_adapters + 1) * _adapters];
        for (var adapter = 0; adapter < _adapters; adapter++)
            table[((adapter + 1) * _adapters) + adapter] = 1;

        var rows = _constants.Floats("/loraops/table", ElementType.F32, [_adapters + 1, _adapters], table);
        _weights[ElementType.F32] = _first.Value("Gather", rows, Index);
    }

    /// <summary>Takes one weight per sample and adapter.</summary>
    public void TakeWeights()
    {
        Input.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = _adapters });
        _weights[ElementType.F32] = Counted(AddInput(WeightsInput, DataType.Float), [_adapters]);
    }

    /// <summary>w spread over columns that belong to adapters: [batch, columns].</summary>
    /// <param name="owners">The adapter of each column.</param>
    /// <param name="type">The type of the graph's values there.</param>
    public string Spread(IReadOnlyList<int> owners, ElementType type)
    {
        var key = (string.Join(',', owners), type);
        if (_spread.TryGetValue(key, out var known))
            return known;

        var matrix = new float[_adapters * owners.Count];
        for (var column = 0; column < owners.Count; column++)
            matrix[(owners[column] * owners.Count) + column] = 1;

        return _spread[key] = _first.Value("MatMul", Weights(type), _constants.Floats("/loraops/spread", type, [_adapters, owners.Count], matrix));
    }

    /// <summary>Σ wᵢ · rowᵢ for each sample: [batch, columns].</summary>
    /// <param name="rows">[adapters, columns] row-major</param>
    /// <param name="columns">The columns.</param>
    /// <param name="type">The type of the graph's values there.</param>
    public string Blend(float[] rows, int columns, ElementType type) =>
        _first.Value("MatMul", Weights(type), _constants.Floats("/loraops/rows", type, [_adapters, columns], rows));

    /// <summary>value ⊙ scale, where scale is [batch, channels] and the value has the channels last, or behind the samples in a convolution.</summary>
    /// <param name="chain">Receives the nodes.</param>
    /// <param name="value">The value.</param>
    /// <param name="scale">One row for each sample.</param>
    /// <param name="channels">Its columns.</param>
    /// <param name="site">The layer whose value it is.</param>
    public string Times(NodeChain chain, string value, string scale, long channels, SampledNode site)
    {
        if (site.IsGrouped)
        {
            var product = chain.Value("Mul", Grouped(chain, value, channels), chain.Value("Reshape", scale, _constants.Integers(-1, 1, channels)));
            return chain.Value("Reshape", product, site.Layout.Rank == 2 ? _constants.Integers(-1, channels) : chain.Value("Shape", value));
        }

        // [batch, channels] with ones between: the samples keep their axis, the channels theirs.
        var shape = Enumerable.Repeat(1L, site.Rank).ToArray();
        (shape[site.Axis], shape[site.ChannelAxis]) = (-1, channels);
        return chain.Value("Mul", value, site.Rank == 2 ? scale : chain.Value("Reshape", scale, _constants.Integers(shape)));
    }

    /// <summary>[batch · …, channels] as [batch, …, channels].</summary>
    public string Grouped(NodeChain chain, string value, long channels)
    {
        // Chips whose compilers want static shapes get them where the model has them.
        if (Input.Dim[0] is { DimValue: > 0 and var samples })
            return chain.Value("Reshape", value, _constants.Integers(samples, -1, channels));

        _batch ??= _first.Value("Slice", _first.Value("Shape", Weights(ElementType.F32)), _constants.Integers(0), _constants.Integers(1));

        return chain.Value("Reshape", value, chain.Value("Concat", "axis", 0, _batch, _constants.Integers(-1), _constants.Integers(channels)));
    }

    // Broadcasting would give one row to all samples, or cut one sample into several: Reshape refuses any other number of rows. Abs hides from
    // ONNX Runtime where the number comes from: it trusts the input's symbol and would leave the Reshape out.
    private string Counted(string input, long[] columns)
    {
        if (_leader is not { Samples: { DimValue: <= 0 }, Layout.Axis: { } axis })
            return input;

        var count = _first.Value("Slice", _first.Value("Shape", _leader.Name), _constants.Integers(axis), _constants.Integers(axis + 1));
        var shape = columns.Length == 0 ? count : _first.Value("Concat", "axis", 0, count, _constants.Integers(columns));
        return _first.Value("Reshape", input, _first.Value("Abs", shape));
    }

    private string Weights(ElementType type)
    {
        if (!_weights.TryGetValue(type, out var known))
            known = _weights[type] = _first.Value("Cast", "to", (long)OnnxTensor.DataTypeOf(type), _weights[ElementType.F32]);

        return known;
    }

    private string AddInput(string wish, DataType type)
    {
        var name = _names.Take(wish);
        if (name != wish)
            throw new LoraOpsException(FormProblems.InputNameTaken(_model.Path, wish));

        _model.Graph.Input.Add(new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = Input } },
        });
        return name;
    }
}
