using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Branches;

namespace LoraOps.Onnx.Forms;

/// <summary>How the forms <c>inputs</c> and <c>switchable</c> are made.</summary>
public sealed record FormOptions
{
    /// <summary>How the form <c>inputs</c> names its inputs.</summary>
    public NameDialect Dialect { get; init; } = NameDialects.Canonical;

    /// <summary>When a branch of the form <c>inputs</c> is skipped while it is idle.</summary>
    public BranchRule Branch { get; init; } = BranchRule.Auto;

    /// <summary>The form <c>switchable</c> takes weights of the adapters, not the number of one.</summary>
    public bool Blends { get; init; }

    /// <summary>The samples of a batch to expect where the model leaves their number free; the form <c>switchable</c> chooses its patterns by it.</summary>
    public long Samples { get; init; } = 8;

    /// <summary>The positions of a sample to expect, such as tokens.</summary>
    public long Positions { get; init; } = 64;
}
