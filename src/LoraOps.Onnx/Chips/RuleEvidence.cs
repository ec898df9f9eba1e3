using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Chips;

/// <summary>What rules may look at beside the finished model; a rule whose subject is not here is not checked.</summary>
public sealed record RuleEvidence
{
    /// <summary>Nothing but the model.</summary>
    public static RuleEvidence None { get; } = new();

    /// <summary>The model as the runtime rewrote it.</summary>
    public OnnxModel? Optimized { get; init; }

    /// <summary>The float model that was quantized: it knows the shapes of values, and hand-off files belong to it.</summary>
    public OnnxModel? Float { get; init; }

    /// <summary>The ranges that were calibrated.</summary>
    public IReadOnlyDictionary<string, TensorRange>? Ranges { get; init; }

    /// <summary>The folder of the hand-off files.</summary>
    public string? HandOffFolder { get; init; }

    /// <summary>What the quantized model's file is called there, without a folder: the files' names begin with it.</summary>
    public string HandOffModel { get; init; } = "model.onnx";
}
