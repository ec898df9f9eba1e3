using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>The tensors that an adapter file holds for one module.</summary>
/// <param name="Module">The layer.</param>
/// <param name="File">The adapter file, for messages.</param>
/// <param name="Parts">
/// The tensors by parameter name without the adapter's name and <c>.weight</c>: <c>lora_A</c> …; a part's bias has its own
/// entry, <c>lora_B.bias</c>.
/// </param>
public sealed record ModuleTensors(ModuleName Module, string File, IReadOnlyDictionary<string, Tensor> Parts)
{
    /// <summary>The tensors that the file holds once for all modules, by name: <c>vera_A</c> …</summary>
    public IReadOnlyDictionary<string, Tensor> Shared { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>How many wrappers of the same layer lie outside this one: each wraps one raw parameter, the first innermost.</summary>
    public int Depth { get; init; }
}

/// <summary>What a method finds while it understands a module's tensors.</summary>
/// <param name="Problems">What is wrong.</param>
/// <param name="Warnings">What is odd.</param>
public sealed record Findings(ICollection<Problem> Problems, ICollection<string> Warnings);

/// <summary>How the tensors of one PEFT method become deltas. Stateless.</summary>
public abstract class AdapterMethod
{
    /// <summary>The method's name as users know it.</summary>
    public abstract string Name { get; }

    /// <summary>The <c>peft_type</c> that it belongs to.</summary>
    public abstract string PeftType { get; }

    /// <summary>The parameter names that it consumes; a part that may have a bias lists it as <c>lora_B.bias</c>.</summary>
    public abstract IReadOnlyList<string> Parts { get; }

    /// <summary>The names of the tensors that an adapter file holds once for all modules.</summary>
    public virtual IReadOnlyList<string> SharedParts => [];

    /// <summary>The parts that hold whole numbers (indices), in an integer type or in a float one.</summary>
    public virtual IReadOnlyList<string> IndexParts => [];

    /// <summary>Tensors that only training uses, each with the config's field that brings it; they are left out with a warning.</summary>
    public virtual IReadOnlyList<(string Part, string Field)> TrainingParts => [];

    /// <summary>True if a tensor without elements may mean something (a rank pruned to nothing).</summary>
    public virtual bool AllowsEmpty => false;

    /// <summary>The fields of adapter_config.json that it knows, beside those that every method has.</summary>
    public abstract IReadOnlyList<string> Fields { get; }

    /// <summary>Checks the config as a whole, once for an adapter.</summary>
    /// <param name="config">What was read.</param>
    /// <param name="findings">Receives what is wrong or odd.</param>
    public virtual void Check(AdapterConfig config, Findings findings)
    {
    }

    /// <summary>True if the module's tensors are this method's; every tensor must be one of <see cref="Parts"/>.</summary>
    public virtual bool Claims(ModuleTensors tensors, AdapterConfig config) => true;

    /// <summary>The deltas, one for each changed parameter of the module; none if a problem was found.</summary>
    public abstract IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings);

    /// <summary>The parameters of the module that the tensors replace as a whole.</summary>
    public virtual IReadOnlyList<Replacement> ReadReplacements(ModuleTensors tensors) => [];

    /// <summary>Adds a problem for each field that is absent though the result depends on it.</summary>
    protected static void Require(AdapterConfig config, Findings findings, params IEnumerable<string> fields)
    {
        foreach (var field in fields.Where(field => config.Values.Raw(field) is null))
            findings.Problems.Add(AdapterProblems.ConfigInvalid(config.Values.File, $"field '{field}' is missing: the result depends on it"));
    }
}
