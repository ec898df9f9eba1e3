using LoraOps.Tensors;

namespace LoraOps.Adapters;

/// <summary>One adapted layer.</summary>
/// <param name="Name">Its name in the base model, without PEFT's prefix.</param>
/// <param name="Delta">What happens to its weight.</param>
/// <param name="Tensors">The names of the adapter's tensors that it was made from, for messages.</param>
public sealed record AdapterModule(ModuleName Name, Delta Delta, IReadOnlyList<string> Tensors);

/// <summary>A parameter that the adapter replaces as a whole: a saved module or a trained bias.</summary>
/// <param name="Module">The layer that owns the parameter.</param>
/// <param name="Parameter">The parameter's own name: <c>weight</c> or <c>bias</c>.</param>
/// <param name="Value">The absolute new value, in PyTorch's layout.</param>
/// <param name="IsBias">True for a bias trained through the config's <c>bias</c> field, false for modules_to_save.</param>
public sealed record Replacement(ModuleName Module, string Parameter, Tensor Value, bool IsBias)
{
    /// <summary>The parameter's full name in the base model.</summary>
    public string FullName => Module.Parameter(Parameter);
}

/// <summary>A PEFT adapter with every tensor understood: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public sealed record Adapter
{
    /// <summary>What people call it: its folder's name unless they said otherwise.</summary>
    public required string Name { get; init; }

    /// <summary>The folder that it was read from, or the file if it is one file without a config.</summary>
    public required string Folder { get; init; }

    /// <summary>True if it came without adapter_config.json: names may begin with a component or be flat, and alpha may be in tensors.</summary>
    public bool IsBare { get; init; }

    /// <summary>Its configuration.</summary>
    public required AdapterConfig Config { get; init; }

    /// <summary>The adapted layers, by name in ordinal order.</summary>
    public required IReadOnlyList<AdapterModule> Modules { get; init; }

    /// <summary>The parameters that it replaces, by full name in ordinal order.</summary>
    public required IReadOnlyList<Replacement> Replacements { get; init; }

    /// <summary>What is odd about it but not wrong, for people to read.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The types of its tensors as stored, each once.</summary>
    public IReadOnlyList<ElementType> Types { get; init; } = [];

    /// <summary>The bytes of its weights' file.</summary>
    public long Bytes { get; init; }

    /// <summary>SHA-256 over its files, lower-case hexadecimal: the identity that manifests record.</summary>
    public required string Digest { get; init; }
}

/// <summary>An adapter and its weight in a sum.</summary>
/// <param name="Adapter">The adapter.</param>
/// <param name="Weight">Its factor; 1 for a plain merge.</param>
public sealed record WeightedAdapter(Adapter Adapter, double Weight = 1);
