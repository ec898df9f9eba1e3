using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.HandOff;

/// <summary>A model on its way to a vendor's tool: what every writer reads.</summary>
public sealed class HandOffModel
{
    private readonly List<string> _notes = [];

    /// <param name="request">What the files are made from.</param>
    public HandOffModel(HandOffRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Request = request;
        Names = new HandOffNames(request.Model);
        Inputs = HandOffInput.Of(request.Prepared, request.Samples);
        var counterparts = new Counterparts(request.Prepared, request.Quantization.Model);
        Layers = new HandOffLayers(counterparts, request.Quantization.Nodes, request.Chip).Read();
        Constants = QuantizedConstant.Of(counterparts);
        Activations = QuantizedActivation.Of(request.Quantization.Model, ValuesOf(request.Prepared));
    }

    /// <summary>What the files are made from.</summary>
    public HandOffRequest Request { get; }

    /// <summary>The chip.</summary>
    public ChipProfile Chip => Request.Chip;

    /// <summary>What the files are called.</summary>
    public HandOffNames Names { get; }

    /// <summary>The inputs with the shapes that the model is compiled for.</summary>
    public IReadOnlyList<HandOffInput> Inputs { get; }

    /// <summary>Every node that the chip may compute in integers, in graph order.</summary>
    public IReadOnlyList<HandOffLayer> Layers { get; }

    /// <summary>The weights, biases and other constants that have codes, one entry for each place that reads one.</summary>
    public IReadOnlyList<QuantizedConstant> Constants { get; }

    /// <summary>The activations that have codes, by their names in the float model.</summary>
    public IReadOnlyDictionary<string, QuantizedActivation> Activations { get; }

    /// <summary>SHA-256 of the float model's file, lower-case hexadecimal; empty until it is written.</summary>
    public string FloatDigest { get; private set; } = "";

    /// <summary>What a person should know about the files, each a sentence.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a note once.</summary>
    public void Note(string sentence)
    {
        if (!_notes.Contains(sentence))
            _notes.Add(sentence);
    }

    /// <summary>The range of a tensor.</summary>
    /// <exception cref="LoraOps.Problems.LoraOpsException">It was not calibrated, or is not finite.</exception>
    public TensorRange RangeOf(string tensor)
    {
        if (!Request.Ranges.TryGetValue(tensor, out var range))
            throw new Problems.LoraOpsException(Problems.QuantizingProblems.RangeMissing(Request.Prepared.Path, tensor));

        return float.IsFinite(range.Min) && float.IsFinite(range.Max)
            ? range
            : throw new Problems.LoraOpsException(
                Problems.QuantizingProblems.RangeInvalid(Request.Prepared.Path, tensor, range.Min, range.Max));
    }

    /// <summary>Writes the float model: what all of these tools read.</summary>
    internal void WriteFloat(string folder)
    {
        var path = Path.Combine(folder, Names.Float);
        var model = Request.Prepared.Clone();
        IrVersions.Lower(model, Chip.MaxIrVersion);
        if (Chip.HalfPrecisionRest)
        {
            // As in the quantized model: the compiler would make infinities of an attention mask's lowest float.
            foreach (var clamped in HalfRange.Clamp(model))
                Note($"In the float model, {clamped}.");
        }

        model.Save(path);
        FloatDigest = Digest.OfFile(path);
    }

    private static HashSet<string> ValuesOf(OnnxModel model) => model.Graph.Input.Select(input => input.Name)
        .Concat(model.Graph.Node.SelectMany(node => node.Output))
        .Where(name => name.Length > 0).ToHashSet(StringComparer.Ordinal);
}
