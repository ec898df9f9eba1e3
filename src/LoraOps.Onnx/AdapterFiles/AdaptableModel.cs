using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>What an adapter must fit: the overridable inputs of a model, read from its file or told by a loaded session.</summary>
/// <param name="Path">The model's file, for messages.</param>
/// <param name="Inputs">What can be overridden.</param>
/// <param name="Metadata">What LoraOps wrote into the model; null for models of others.</param>
public sealed record AdaptableModel(string Path, IReadOnlyList<OverridableInput> Inputs, FormMetadata? Metadata)
{
    /// <summary>True if it is of the form <c>inputs</c>, ours or another's: not only a model that lists its weights among its inputs.</summary>
    public bool IsAdaptable => Metadata is { Form: InputsForm.Name } || Inputs.Any(input => NameDialects.All.Any(dialect =>
        dialect.Parse(input.Name) is { } meaning && meaning.Part.StartsWith("lora_", StringComparison.Ordinal)));

    /// <summary>That of a model in memory.</summary>
    public static AdaptableModel Of(OnnxModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new AdaptableModel(model.Path, OverridableInputs.Of(model), FormMetadata.Read(model));
    }
}
