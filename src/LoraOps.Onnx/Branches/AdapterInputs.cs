using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>The overridable inputs of a model, initializers that are inputs as well, and what each adapter gives them.</summary>
internal sealed class AdapterInputs(OnnxModel model, NameSet names, NameDialect dialect, IReadOnlyList<WeightedAdapter> adapters)
{
    // ONNX Runtime plans its buffers by symbol: sites whose ranks differ in one run must not share one.
    private const string RankSymbol = "lora_r";
    private readonly List<Tensor>[] _values = [.. adapters.Select(_ => new List<Tensor>())];
    private readonly List<Problem> _problems = [];
    private readonly Dictionary<string, string> _read = new(StringComparer.Ordinal);

    /// <summary>What was found wrong with the adapters' values.</summary>
    public IReadOnlyList<Problem> Problems => _problems;

    /// <summary>The values of one adapter, in the order in which they were given.</summary>
    public IReadOnlyList<Tensor> Of(int adapter) => _values[adapter];

    /// <summary>Adds an input and its default.</summary>
    /// <param name="module">The module that it belongs to.</param>
    /// <param name="part">Which of its values: lora_A, lora_B, lora_g, bias ….</param>
    /// <param name="value">The default; its dimensions are the input's.</param>
    /// <param name="rankAxis">The axis that every adapter may have another length of, or null.</param>
    /// <returns>The input's name.</returns>
    public string Add(ModuleName module, string part, TensorProto value, int? rankAxis)
    {
        var type = OnnxTensor.TypeOf(value.DataType)!.Value;
        if (type != ElementType.F32 && !value.Dims.Contains(0))
            value = OnnxTensor.Create("", ElementType.F32, [.. value.Dims], model.Read(value).ToFloats());

        value.Name = names.Take(dialect.InputName(module, part));
        model.Graph.Initializer.Add(value);
        var shape = new TensorShapeProto();
        shape.Dim.AddRange(value.Dims.Select((dim, axis) => axis == rankAxis
            ? new TensorShapeProto.Types.Dimension { DimParam = $"{RankSymbol}.{module.Value}" }
            : new TensorShapeProto.Types.Dimension { DimValue = dim }));
        model.Graph.Input.Add(new ValueInfoProto
        {
            Name = value.Name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = value.DataType, Shape = shape } },
        });
        if (value.DataType == (int)TensorProto.Types.DataType.Float && type != ElementType.F32)
            _read[value.Name] = Rounded(value.Name, type);

        return value.Name;
    }

    /// <summary>The value that nodes read for an input: its own, or what it is rounded to.</summary>
    public string ValueOf(string input) => _read.GetValueOrDefault(input, input);

    /// <summary>Gives an adapter's value to an input.</summary>
    /// <param name="adapter">The adapter's position.</param>
    /// <param name="input">The input's name.</param>
    /// <param name="type">The type that the graph computes in.</param>
    /// <param name="dims">The value's dimensions.</param>
    /// <param name="values">Its elements.</param>
    /// <param name="module">For messages.</param>
    public void Give(int adapter, string input, ElementType type, long[] dims, float[] values, ModuleName module)
    {
        var tensor = BufferTensor.FromFloats(input, _read.ContainsKey(input) ? ElementType.F32 : type, new TensorShape(dims), values);
        if (!Array.TrueForAll(tensor.ToFloats(), float.IsFinite))
            _problems.Add(FormProblems.FactorNotFinite(model.Path, module.Value, adapters[adapter].Adapter.Name, type.Name()));

        _values[adapter].Add(tensor);
    }

    // ONNX Runtime 1.29 dies on a CPU of a default in half precision that is not empty: it is given in single and rounded in the graph.
    private string Rounded(string input, ElementType type)
    {
        var chain = new NodeChain(names, "/loraops/" + input);
        var rounded = chain.Value("Cast", "to", (long)OnnxTensor.DataTypeOf(type), input);
        chain.InsertInto(model.Graph, 0);
        return rounded;
    }
}
