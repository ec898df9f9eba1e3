using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>Gathers the modules of several adapters; whatever cannot be mixed is a problem that names it.</summary>
/// <param name="adapters">The adapters in order.</param>
/// <param name="original">The base, or null.</param>
/// <param name="problems">Receives what is wrong.</param>
internal sealed class MixModules(IReadOnlyList<Adapter> adapters, OriginalWeights? original, ICollection<Problem> problems)
{
    private const string Weight = "weight";
    private readonly List<(Adapter Adapter, string Layer, string Method, string? Reason)> _refused = [];

    /// <summary>True if DoRA's factors and norms are taken as they are, so that no base is needed for them.</summary>
    public bool KeepsNorms { get; init; }

    /// <summary>The modules by name; incomplete if problems were found.</summary>
    public IReadOnlyList<MixedModule> Gather()
    {
        var owners = adapters.SelectMany((adapter, position) => Owners(adapter, position).Select(owner => (owner.Weight.Name, Owner: owner))).ToList();
        foreach (var group in _refused.GroupBy(one => (one.Adapter, one.Method, one.Reason), one => one.Layer))
        {
            problems.Add(group.Key.Reason is { } reason
                ? MixProblems.DeltaRefused(group.Key.Adapter.Folder, [.. group], group.Key.Method, reason)
                : MixProblems.BaseNeeded(group.Key.Adapter.Folder, [.. group], group.Key.Method));
        }

        return [.. owners.GroupBy(pair => pair.Name, pair => pair.Owner).OrderBy(group => group.Key).Select(Module).OfType<MixedModule>()];
    }

    private IEnumerable<Owner> Owners(Adapter adapter, int position)
    {
        foreach (var group in adapter.Modules.GroupBy(module => module.Name))
        {
            if (Owner(adapter, position, [.. group]) is { } owner)
                yield return owner;
        }
    }

    private Owner? Owner(Adapter adapter, int position, List<AdapterModule> modules)
    {
        var weight = modules.Find(module => module.Delta.Parameter == Weight);
        var bias = modules.Find(module => module.Delta is BiasDelta);
        var known = problems.Count + _refused.Count;
        foreach (var module in modules)
            Check(adapter, module, isKnown: module == weight || module == bias);

        if (weight is null && known == problems.Count + _refused.Count)
            _refused.Add((adapter, bias!.Name.Value, bias.Delta.Method, "changes a bias alone, and a LoRA module has factors"));

        return known == problems.Count + _refused.Count ? new Owner(position, weight!, bias) : null;
    }

    private void Check(Adapter adapter, AdapterModule module, bool isKnown)
    {
        var (delta, name) = (module.Delta, module.Name.Value);
        if (!isKnown || delta.Replaces || delta.Layer == LayerKind.Experts)
            _refused.Add((adapter, name, delta.Method, delta.Replaces
                ? "replaces rows, and a LoRA module adds to them"
                : $"changes the parameter '{delta.Parameter}', which cannot be written as plain LoRA"));
        else if (NeedsBase(delta) && original is null)
            _refused.Add((adapter, name, delta.Method, null));
        else if (NeedsBase(delta) && original?.Of(module) is null)
            problems.Add(MergeProblems.ModuleUnmatched(original!.Model.Weights.Path, adapter.Name, module.Name.Parameter(delta.Parameter), ""));
    }

    private bool NeedsBase(Delta delta) => (delta.NeedsWeight && !(KeepsNorms && delta is DoraDelta)) || delta.WeightShape is null;

    private MixedModule? Module(IGrouping<ModuleName, Owner> group)
    {
        var owners = group.ToList();
        var (first, shape) = (owners[0].Weight, ShapeOf(owners[0]));
        foreach (var other in owners.Where(owner => !ShapeOf(owner).Equals(shape) || owner.Weight.Delta.Layer != first.Delta.Layer))
        {
            problems.Add(MixProblems.ShapesDiffer(
                adapters[other.Position].Folder, group.Key.Value, $"{ShapeOf(other)} ({other.Weight.Delta.Layer})", adapters[owners[0].Position].Name,
                $"{shape} ({first.Delta.Layer})"));
            return null;
        }

        return new MixedModule(group.Key, first.Delta.Layer, shape, owners);
    }

    private TensorShape ShapeOf(Owner owner) => owner.Weight.Delta.WeightShape ?? original!.Of(owner.Weight)!.Shape;
}
