using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>The tensors that an adapter file holds for one module.</summary>
/// <param name="Module">The layer.</param>
/// <param name="File">The adapter file, for messages.</param>
/// <param name="Parts">The tensors by parameter name without the adapter's name and <c>.weight</c>: <c>lora_A</c> …</param>
public sealed record ModuleTensors(ModuleName Module, string File, IReadOnlyDictionary<string, Tensor> Parts);

/// <summary>What a method finds while it understands a module's tensors.</summary>
/// <param name="Problems">What is wrong.</param>
/// <param name="Warnings">What is odd.</param>
public sealed record Findings(ICollection<Problem> Problems, ICollection<string> Warnings);

/// <summary>How the tensors of one PEFT method become a delta. Stateless.</summary>
public abstract class AdapterMethod
{
    /// <summary>The method's name as users know it.</summary>
    public abstract string Name { get; }

    /// <summary>The <c>peft_type</c> that it belongs to.</summary>
    public abstract string PeftType { get; }

    /// <summary>The parameter names that it consumes.</summary>
    public abstract IReadOnlyList<string> Parts { get; }

    /// <summary>True if the module's tensors are this method's; every tensor must be one of <see cref="Parts"/>.</summary>
    public abstract bool Claims(ModuleTensors tensors, AdapterConfig config);

    /// <summary>The delta, or null if a problem was found.</summary>
    public abstract Delta? Read(ModuleTensors tensors, AdapterConfig config, Findings findings);
}
