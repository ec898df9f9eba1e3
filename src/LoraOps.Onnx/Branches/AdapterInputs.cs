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
        return value.Name;
    }

    /// <summary>Gives an adapter's value to an input.</summary>
    /// <param name="adapter">The adapter's position.</param>
    /// <param name="input">The input's name.</param>
    /// <param name="type">The graph's type.</param>
    /// <param name="dims">The value's dimensions.</param>
    /// <param name="values">Its elements.</param>
    /// <param name="module">For messages.</param>
    public void Give(int adapter, string input, ElementType type, long[] dims, float[] values, ModuleName module)
    {
        var tensor = BufferTensor.FromFloats(input, type, new TensorShape(dims), values);
        if (!Array.TrueForAll(tensor.ToFloats(), float.IsFinite))
            _problems.Add(FormProblems.FactorNotFinite(model.Path, module.Value, adapters[adapter].Adapter.Name, type.Name()));

        _values[adapter].Add(tensor);
    }
}
