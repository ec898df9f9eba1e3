namespace LoraOps.Onnx.Mapping;

/// <summary>
/// One node's share of a module's weight. Usually both are whole; exporters and optimisers pack several modules into one node
/// (q|k|v side by side) or split one module over several nodes, and fold a batch norm into the weight before it.
/// </summary>
/// <param name="Use">The node and its stored weight.</param>
public sealed record WeightPlace(WeightUse Use)
{
    /// <summary>The rows of the node's weight that belong to the module; null if all do.</summary>
    public RowRange? Rows { get; init; }

    /// <summary>The rows of the module's weight that the node has; null if it has all.</summary>
    public RowRange? Part { get; init; }

    /// <summary>
    /// What each of the node's rows was multiplied with when the graph was made, γ / √(σ² + ε) of a folded batch norm: a change of
    /// the module's weight is multiplied with it too. Null if with nothing.
    /// </summary>
    public IReadOnlyList<float>? Factors { get; init; }

    /// <summary>True if the node's weight is the module's and nothing else's.</summary>
    public bool IsWhole => Rows is null && Part is null;
}
