namespace LoraOps.Adapters;

/// <summary>What a targeted layer computes; it fixes the layout of its weight in PyTorch.</summary>
public enum LayerKind
{
    /// <summary>Weight [out, in]; a GPT-2 Conv1D is one whose file stores [in, out].</summary>
    Linear,

    /// <summary>Weight [vocabulary, dim].</summary>
    Embedding,

    /// <summary>Weight [out, in, kernel…], groups = 1.</summary>
    Convolution,

    /// <summary>Fused experts: a raw parameter [experts, out, in] or [experts, in, out].</summary>
    Experts,
}
