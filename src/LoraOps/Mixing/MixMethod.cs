namespace LoraOps.Mixing;

/// <summary>A way to make one delta of several. Stateless; called for several modules at once.</summary>
public abstract class MixMethod
{
    /// <summary>The name that users give, in kebab-case: <c>dare-ties</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The definition in one line, w for weights, Δ for deltas, λ for lambda.</summary>
    public abstract string Definition { get; }

    /// <summary>The paper or tool that it comes from.</summary>
    public abstract string Source { get; }

    /// <summary>What one [m, n] module of T adapters of rank r costs, R being the sum of the ranks.</summary>
    public abstract string Cost { get; }

    /// <summary>
    /// The settings that change the result, named as in a recipe: <c>density</c>, <c>majority_sign_method</c> …; rank and energy are
    /// everybody's.
    /// </summary>
    public virtual IReadOnlyList<string> Settings => [];

    /// <summary>True if it means something only with a density.</summary>
    public virtual bool NeedsDensity => false;

    /// <summary>True if it works on elements, so that its result has full rank whatever the ranks of the deltas are.</summary>
    public virtual bool GivesFullRank => false;

    /// <summary>True if it must have a rank or an energy.</summary>
    public virtual bool NeedsRank => false;

    /// <summary>How many adapters it takes; null: any number.</summary>
    public virtual int? Adapters => null;

    /// <summary>True if deltas must be products of two factors.</summary>
    public virtual bool NeedsFactors => false;

    /// <summary>True if the deltas of a module must all have one rank.</summary>
    public virtual bool NeedsEqualRanks => false;

    /// <summary>The mixed delta of a module, before any truncation.</summary>
    /// <param name="module">The module; its shares are not changed.</param>
    /// <param name="settings">The parameters, valid for this method.</param>
    public abstract DeltaMatrix Mix(MixModule module, MixSettings settings);
}
