using LoraOps.Readers.Safetensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>What the mapping of modules to nodes may lean on.</summary>
public sealed record MappingOptions
{
    /// <summary>The checkpoint that the graph was exported from: every mapped site is compared with its values. Null: not compared.</summary>
    public Checkpoint? Base { get; init; }

    /// <summary>The user's word: initializer or node name by module name.</summary>
    public ModuleMap Map { get; init; } = ModuleMap.Empty;
}
