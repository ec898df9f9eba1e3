namespace LoraOps.Merging;

/// <summary>Whose arithmetic a merge follows.</summary>
public enum MergeArithmetic
{
    /// <summary>All deltas are added in float32 and rounded to the base's type once.</summary>
    Exact,

    /// <summary>As merge_and_unload: one adapter after the other, each rounded; a tied head and embedding stay one tensor.</summary>
    Peft,
}

/// <summary>How to merge.</summary>
public sealed record MergeOptions
{
    /// <summary>Whose arithmetic to follow.</summary>
    public MergeArithmetic Arithmetic { get; init; } = MergeArithmetic.Exact;

    /// <summary>The most memory that the merge may take, in bytes, with about 96 MB for the runtime; 256 MiB where possible if null.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Cuts the output into files of at most this many bytes of tensors; the base's files if null.</summary>
    public long? MaxShardBytes { get; init; }

    /// <summary>Leaves out what the base has no tensor for, with a warning, instead of failing.</summary>
    public bool AllowUnmatched { get; init; }

    /// <summary>The base is the one that PiSSA, OLoRA … left behind.</summary>
    public bool ResidualBase { get; init; }

    /// <summary>Replaces an existing output.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>An adapter to read and merge.</summary>
/// <param name="Folder">Its PEFT folder.</param>
/// <param name="Weight">Its factor in the sum.</param>
/// <param name="Name">What to call it; its folder's name if null.</param>
public sealed record AdapterSource(string Folder, double Weight = 1, string? Name = null);
