using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Quantizing.Dynamic;
using LoraOps.Onnx.Quantizing.WeightOnly;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Runtime.Quantizing;

/// <summary>What a float model is to become.</summary>
public sealed record QuantizationRequest
{
    /// <summary>The chip that it is for.</summary>
    public required ChipProfile Chip { get; init; }

    /// <summary>Samples of what the model will see; null where the scheme needs none.</summary>
    public SampleSet? Calibration { get; init; }

    /// <summary>Adapters of a model of the form inputs or switchable, each with samples of its own; ranges hold them all.</summary>
    public IReadOnlyList<AdapterSamples> Adapters { get; init; } = [];

    /// <summary>Where the ranges of activations come from; the codes that they are chosen for are the chip's.</summary>
    public CalibrationPlan Calibrating { get; init; } = new();

    /// <summary>What is done to keep the accuracy of the float model.</summary>
    public RecoverySettings Recovery { get; init; } = RecoverySettings.None;

    /// <summary>What nodes are to be computed in, by name; the others in the chip's first precision.</summary>
    public IReadOnlyDictionary<string, LayerPrecision> Precisions { get; init; } =
        new Dictionary<string, LayerPrecision>(StringComparer.Ordinal);

    /// <summary>True if the files that the chip's compiler takes beside the model will be written, which may want ranges of further tensors.</summary>
    public bool HandsOff { get; init; }

    /// <summary>What the model must reach, by lifting further layers where that is needed; null for what the chip's profile asks for.</summary>
    public PrecisionGoal? Goal { get; init; }

    /// <summary>The model is taken as it comes, whatever the chip's profile asks for.</summary>
    public bool TakesAsItComes { get; init; }

    /// <summary>What becomes integers.</summary>
    public QuantizationScheme Scheme { get; init; }

    /// <summary>Bits, blocks and format of <see cref="QuantizationScheme.Weights"/>.</summary>
    public WeightOnlySettings Weights { get; init; } = new();

    /// <summary>The scheme's name, as profiles list it.</summary>
    public string SchemeName => Scheme switch
    {
        QuantizationScheme.Dynamic => ChipSchemes.Dynamic,
        QuantizationScheme.Weights => WeightOnlyQuantizer.SchemeOf(Weights),
        _ => ChipSchemes.Static,
    };

    /// <summary>Quantizes a copy of a prepared model by the scheme.</summary>
    internal Quantization Quantize(
        OnnxModel prepared, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings settings) => Scheme switch
        {
            QuantizationScheme.Dynamic => DynamicQuantizer.Quantize(prepared, Chip, settings),
            QuantizationScheme.Weights => WeightOnlyQuantizer.Quantize(prepared, Chip, Weights, settings),
            _ => StaticQuantizer.Quantize(prepared, Chip, ranges, settings),
        };
}
