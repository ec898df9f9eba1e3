using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;

namespace LoraOps.Onnx.Forms;

/// <summary>One place of the graph that an adapter changed, and why it is the right one.</summary>
public sealed record Site
{
    /// <summary>The module in the adapter.</summary>
    public required ModuleName Module { get; init; }

    /// <summary>Which of its parameters: <c>weight</c>, <c>bias</c> …</summary>
    public required string Parameter { get; init; }

    /// <summary>The method that changed it: <c>lora</c>, <c>dora</c>, or <c>replaced</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The nodes that read it.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>The operator of those nodes.</summary>
    public required string Operator { get; init; }

    /// <summary>The stored tensor.</summary>
    public required string Initializer { get; init; }

    /// <summary>The rows of it that are the module's, in PyTorch's layout; null if all are.</summary>
    public RowRange? Rows { get; init; }

    /// <summary>The copy that was made because other modules read the tensor too, or null.</summary>
    public string? Copy { get; init; }

    /// <summary>True if the graph stores the transpose of PyTorch's layout.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>What names the module here, strongest first.</summary>
    public required IReadOnlyList<EvidenceTier> Evidence { get; init; }

    /// <summary>True if the values were compared with the base checkpoint's.</summary>
    public bool IsVerified { get; init; }

    /// <summary>The rank of the factors; 0 for a replaced parameter.</summary>
    public int Rank { get; init; }

    /// <summary>‖ΔW‖ / ‖W‖, Frobenius.</summary>
    public double RelativeChange { get; init; }

    /// <summary>How the branch beside the node was made, and why so; empty where a weight itself was changed.</summary>
    public string Pattern { get; init; } = "";
}

/// <summary>An adapter as the form <c>inputs</c> ships it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">What its <c>.onnx_adapter</c> file holds.</param>
public sealed record NamedAdapter(string Name, OnnxAdapter Content);

/// <summary>A converted model and what was changed in it.</summary>
/// <param name="Model">The new model.</param>
/// <param name="Sites">Every changed place, in the order of the adapters' modules.</param>
/// <param name="Warnings">What is odd but not wrong.</param>
public sealed record Conversion(OnnxModel Model, IReadOnlyList<Site> Sites, IReadOnlyList<string> Warnings)
{
    /// <summary>The adapters of the form <c>inputs</c>, in the order of the command; empty for the other forms.</summary>
    public IReadOnlyList<NamedAdapter> Adapters { get; init; } = [];
}
