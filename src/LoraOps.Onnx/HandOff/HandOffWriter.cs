using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.HandOff;

/// <summary>One kind of files that a vendor's tool takes beside a model.</summary>
public abstract class HandOffWriter
{
    /// <summary>What a chip's profile calls it, in kebab-case.</summary>
    public abstract string Name { get; }

    /// <summary>Tensors of the float model whose ranges it needs beyond those of the quantizer.</summary>
    public virtual IReadOnlyList<string> TensorsWanted(OnnxModel prepared, ChipProfile chip) => [];

    /// <summary>The files and folders that it writes, each with what it is for.</summary>
    public abstract IReadOnlyList<HandOffFile> Files(HandOffNames names);

    /// <summary>Writes them.</summary>
    /// <param name="model">What to hand off.</param>
    /// <param name="folder">A folder that no user sees yet.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">The format cannot say what the quantized model does.</exception>
    public abstract void Write(HandOffModel model, string folder);
}

/// <summary>A file or folder beside a model.</summary>
/// <param name="Name">Its name, without a folder.</param>
/// <param name="Purpose">What it is for: half a sentence.</param>
public sealed record HandOffFile(string Name, string Purpose);
