using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>What an <c>.onnx_adapter</c> file carries: values for the overridable inputs of a model.</summary>
/// <param name="Parameters">The values, each under the name of the input that it overrides, in the order of the file.</param>
public sealed record OnnxAdapter(IReadOnlyList<Tensor> Parameters)
{
    /// <summary>A number of the writer's own; ONNX Runtime never looks at it. LoraOps writes 31 bits of the digest of the adapter's values.</summary>
    public int AdapterVersion { get; init; }

    /// <summary>
    /// Which model it belongs to; ONNX Runtime never looks at it. LoraOps writes <see cref="Forms.ModelDigest.Pairing"/> of the base model
    /// and refuses an adapter of another one. 0 says nothing.
    /// </summary>
    public int ModelVersion { get; init; }
}
