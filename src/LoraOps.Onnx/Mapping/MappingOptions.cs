using LoraOps.Readers.Safetensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>What the mapping of modules to nodes may lean on.</summary>
public sealed record MappingOptions
{
    /// <summary>The checkpoint that the graph was exported from: every mapped site is compared with its values. Null: not compared.</summary>
    public Checkpoint? Base { get; init; }

    /// <summary>The user's word: initializer or node name by module name.</summary>
    public ModuleMap Map { get; init; } = ModuleMap.Empty;

    /// <summary>
    /// True if branches are added beside the nodes and the stored weights stay: then a quantized weight will do, but not a node that
    /// goes on computing behind the product (<see cref="WeightUse.IsFused"/>). False if the weights themselves are changed.
    /// </summary>
    public bool IsBranched { get; init; }
}
