namespace LoraOps.Merging;

/// <summary>What a merge will do, for people and for --json.</summary>
public sealed record MergeSummary
{
    /// <summary>The base as it was named.</summary>
    public required string Base { get; init; }

    /// <summary>The output as it was named.</summary>
    public required string Output { get; init; }

    /// <summary><c>exact</c> or <c>peft</c>.</summary>
    public required string Arithmetic { get; init; }

    /// <summary>The adapters in their order.</summary>
    public required IReadOnlyList<MergedAdapter> Adapters { get; init; }

    /// <summary>The tensors that change, by name.</summary>
    public required IReadOnlyList<MergedWeight> Changed { get; init; }

    /// <summary>How many tensors are copied byte for byte.</summary>
    public required int Unchanged { get; init; }

    /// <summary>The tensors that no adapter touches, in the order of the output.</summary>
    public IReadOnlyList<string> Copied { get; init; } = [];

    /// <summary>What was left out because the base has no tensor for it.</summary>
    public IReadOnlyList<UnmatchedParameter> Unmatched { get; init; } = [];

    /// <summary>The files of the output.</summary>
    public required IReadOnlyList<MergedFile> Files { get; init; }

    /// <summary>The bytes of all tensors of the output.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>The most memory that the merge takes, in bytes, with the runtime's own.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>The least memory that the merge could be done in, in bytes, beside what the runtime takes.</summary>
    public required long LeastBytes { get; init; }

    /// <summary>From which quantisation the base's weights were dequantised, and to which type; null if none were quantised.</summary>
    public string? Dequantised { get; init; }

    /// <summary>True if a tied head and embedding become two tensors.</summary>
    public required bool Unties { get; init; }

    /// <summary>What is odd but not wrong.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>A parameter of an adapter that the base has no tensor for.</summary>
/// <param name="Adapter">The adapter's name.</param>
/// <param name="Parameter">The parameter's full name.</param>
/// <param name="Nearest">The base's tensors that it may have been, nearest first; looked for only for the first few.</param>
public sealed record UnmatchedParameter(string Adapter, string Parameter, IReadOnlyList<string> Nearest);

/// <summary>One adapter of a merge.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Digest">SHA-256 of its files.</param>
/// <param name="Weight">Its factor.</param>
public sealed record MergedAdapter(string Name, string Digest, double Weight);

/// <summary>One tensor that a merge changes.</summary>
/// <param name="Name">Its name in the output.</param>
/// <param name="Action"><c>merge</c>, <c>replace</c>, <c>replace and merge</c> or <c>copy</c> (a head that gets a tensor of its own).</param>
/// <param name="Type">Its type in the output.</param>
/// <param name="Shape">Its dimensions in the output.</param>
/// <param name="Modules">The adapted modules, as <c>adapter: module (method, rank)</c>.</param>
/// <param name="IsTransposed">True if the file stores [in, out].</param>
/// <param name="IsNew">True if the base has no such tensor.</param>
public sealed record MergedWeight(
    string Name, string Action, string Type, IReadOnlyList<long> Shape, IReadOnlyList<string> Modules, bool IsTransposed, bool IsNew);

/// <summary>One file of a merge's output.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tensors">How many tensors it holds.</param>
/// <param name="Bytes">The bytes of its tensors.</param>
public sealed record MergedFile(string Name, int Tensors, long Bytes);
