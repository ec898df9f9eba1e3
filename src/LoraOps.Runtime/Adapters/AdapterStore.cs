using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>Where a model's adapters are, and what can be done with them there; what a form cannot do, it refuses.</summary>
/// <param name="model">The model's file.</param>
/// <param name="form">Its form in words.</param>
internal abstract class AdapterStore(string model, string form)
{
    /// <summary>The form's name.</summary>
    public string Form => form;

    /// <summary>What there is.</summary>
    public abstract IReadOnlyList<AdapterInfo> Adapters { get; }

    /// <summary>The bytes of adapter files in memory.</summary>
    public virtual long ResidentBytes => 0;

    /// <summary>The input that the manager feeds itself, or null.</summary>
    public virtual string? OwnInput => null;

    /// <summary>Activates one adapter or the base.</summary>
    public abstract Activation One(string id);

    /// <summary>Activates several adapters for the whole batch.</summary>
    public virtual Activation Together(IReadOnlyList<string> ids) => throw Refused("activate several adapter files at once", "Blend them instead.");

    /// <summary>Activates an adapter for each row.</summary>
    public virtual Activation Rows(IReadOnlyList<string> ids) =>
        throw Refused("give each row of a batch its own adapter", "Run the rows of each adapter by themselves, or convert with --form switchable.");

    /// <summary>Activates weighted sums, for each row or for all of them.</summary>
    public virtual Activation Blend(IReadOnlyList<IReadOnlyDictionary<string, float>> rows, bool isForAll) =>
        throw Refused("blend adapters by weights", "Convert with --form switchable --blend.");

    /// <summary>Loads a file under an id.</summary>
    public virtual AdapterInfo Load(string id, string path) => throw Refused("load adapter files", "Convert again with the new adapter.");

    /// <summary>Forgets an id.</summary>
    public virtual void Unload(string id) => throw Refused("unload adapters: they are inside the graph", "Convert again without it.");

    /// <summary>Makes sure that an adapter is in memory.</summary>
    public abstract void Preload(string id);

    /// <summary>Forgets everything.</summary>
    public virtual void Close()
    {
    }

    /// <summary>What the form cannot do.</summary>
    protected LoraOpsException Refused(string what, string advice) => new(SwitchProblems.ChoiceUnsupported(model, form, what, advice));
}
