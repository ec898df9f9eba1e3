using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// Finds the nodes of an adapter's modules by evidence. Evidence that contradicts (metadata that names another module) outweighs
/// a name that agrees, every place is checked by kind and shape, and a weight that the exporter rewrote is refused unless the
/// base explains it.
/// </summary>
public sealed class ModuleResolver
{
    private readonly OnnxModel _model;
    private readonly MappingOptions _options;
    private readonly NamedPlaces _names;
    private readonly PackedPlaces _packed;
    private readonly ContentPlaces? _contents;
    private readonly OrderedPlaces _orders;
    private readonly PlaceCheck _check;
    private List<WantedWeight>? _known;

    /// <summary>Prepares to resolve modules in one graph.</summary>
    public ModuleResolver(OnnxModel model, GraphIndex index, MappingOptions options)
    {
        _model = model;
        _options = options;
        Uses = WeightUses.Find(index);
        Base = options.Base is null ? null : new CheckpointComparison(options.Base, model);
        _names = new NamedPlaces(model, Uses);
        _packed = new PackedPlaces(_names);
        _contents = Base is null ? null : new ContentPlaces(model, Uses, Base);
        _orders = new OrderedPlaces(Uses);
        _check = new PlaceCheck(model, Base, options);
    }

    /// <summary>Every use of a stored weight in the graph.</summary>
    public IReadOnlyList<WeightUse> Uses { get; }

    /// <summary>The comparison with the base checkpoint, or null if none was given.</summary>
    public CheckpointComparison? Base { get; }

    /// <summary>
    /// Every module that will be looked for. Without them, and without a base, nothing is placed by its order
    /// (<see cref="EvidenceTier.Order"/>): the counts are not known.
    /// </summary>
    public IReadOnlyList<WantedWeight> Expected { get; set; } = [];

    /// <summary>Finds a module's nodes, or adds the reason why not to <paramref name="problems"/> and gives null.</summary>
    /// <param name="module">The module.</param>
    /// <param name="layer">What it computes; null if any kind will do.</param>
    /// <param name="shape">Its weight's shape in PyTorch's layout.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public Resolution? Resolve(ModuleName module, LayerKind? layer, TensorShape shape, ICollection<Problem> problems) =>
        Resolve(new WantedWeight(module, layer, shape), problems);

    /// <inheritdoc cref="Resolve(ModuleName, LayerKind?, TensorShape, ICollection{Problem})"/>
    /// <param name="wanted">The module's weight.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public Resolution? Resolve(WantedWeight wanted, ICollection<Problem> problems)
    {
        Problem? fault = null;
        var resolution = _options.Map.Entries.TryGetValue(wanted.Module.Value, out var targets)
            ? Mapped(wanted, targets, ref fault)
            : Named(wanted, ref fault) ?? ByContent(wanted, fault) ?? ByOrder(wanted, ref fault);
        if (resolution is null)
            problems.Add(fault ?? MappingProblems.ModuleUnmapped(_model.Path, wanted.Module.Value, Near(wanted.Module)));

        return resolution;
    }

    private Resolution? Named(WantedWeight wanted, ref Problem? fault) =>
        Checked(wanted, Fitting(wanted, _names.Find(wanted.Aliases, wanted.Layer)), ref fault)
        ?? (fault is null or { Code: ProblemCode.SiteShapeDiffers }
            ? Checked(wanted, _packed.Inside(wanted), ref fault) ?? Checked(wanted, _packed.Split(wanted), ref fault)
            : null);

    // One module may have several weights under its own name (MultiheadAttention): those of its shape.
    private static IReadOnlyList<Candidate> Fitting(WantedWeight wanted, IReadOnlyList<Candidate> candidates)
    {
        var owners = candidates.Select(candidate => candidate.Use.ModuleGuess).Distinct(StringComparer.Ordinal).Count();
        var fitting = candidates.Where(candidate => candidate.Use.Shape.Equals(wanted.Shape)).ToList();
        return owners > 1 || fitting.Count == 0 ? candidates : fitting;
    }

    private Resolution? ByContent(WantedWeight wanted, Problem? fault)
    {
        // What is there under its name and cannot be changed is not looked for elsewhere.
        if (_contents is null || fault is { Code: not (ProblemCode.ModuleUnmapped or ProblemCode.ModuleAmbiguous or ProblemCode.SiteShapeDiffers) })
            return null;

        Problem? ignored = null;
        if (Checked(wanted, _contents.Find(wanted), ref ignored) is { } exact)
            return exact;

        var passing = _contents.Alike(wanted).Where(candidate => _check.Fault(wanted, candidate, out _) is null).ToList();
        var isOne = passing.Select(candidate => candidate.Use.Tensor).Distinct(ReferenceEqualityComparer.Instance).Count() == 1;
        return isOne ? Checked(wanted, passing, ref ignored) : null;
    }

    private Resolution? ByOrder(WantedWeight wanted, ref Problem? fault)
    {
        if (fault is not null)
            return null;

        var candidate = _orders.Find(wanted, Expected.Count > 0 && Base is null ? Expected : Known(), out var warning);
        return candidate is null ? null : Checked(wanted, [candidate], ref fault) is { } found ? found with { Warnings = [warning] } : null;
    }

    // The weights of the base, as modules; a tensor does not tell whether it is an embedding, so kinds are the asker's.
    private List<WantedWeight> Known() => _known ??= Base is null ? [] : [.. Base.Weights.Names
        .Where(name => name.EndsWith(".weight", StringComparison.Ordinal))
        .Select(name => (Module: new ModuleName(name[..^".weight".Length]), Tensor: Base.Weights.Find(name)!))
        .Where(pair => pair.Tensor.Shape.Rank >= 2)
        .Select(pair => new WantedWeight(pair.Module, pair.Tensor.Shape.Rank > 2 ? LayerKind.Convolution : LayerKind.Linear, pair.Tensor.Shape))];

    private Resolution? Checked(WantedWeight wanted, IReadOnlyList<Candidate> candidates, ref Problem? fault)
    {
        if (candidates.Count == 0)
            return null;

        candidates = Unambiguous(wanted, candidates, out var ambiguity);
        if (ambiguity is not null)
        {
            fault ??= ambiguity;
            return null;
        }

        if (Places(wanted, candidates, ref fault) is not { } places)
            return null;

        var tiers = candidates.SelectMany(candidate => candidate.Evidence).Select(evidence => evidence.Tier);
        return new Resolution(wanted.Module, places, [.. tiers.Distinct().Order()], Base is not null);
    }

    private List<WeightPlace>? Places(WantedWeight wanted, IReadOnlyList<Candidate> candidates, ref Problem? fault)
    {
        var places = new List<WeightPlace>();
        foreach (var candidate in candidates)
        {
            // Metadata that names another module is believed, unless the other module is a norm that was folded into this one.
            var problem = candidate.IsContradicted && (Base is null || candidate.Use.Layer != LayerKind.Convolution)
                ? Contradicted(wanted.Module, candidate.Use)
                : _check.Fault(wanted, candidate, out var place) is { } found ? found : Keep(places, place);
            if (problem is not null)
            {
                fault ??= problem;
                return null;
            }
        }

        var isSplit = places.Any(place => place.Part is not null);
        if (!isSplit || RowRange.Tile(places.Select(place => place.Part ?? new RowRange(0, wanted.Rows)), wanted.Rows))
            return places;

        fault ??= MappingProblems.SiteShapeDiffers(_model.Path, wanted.Module.Value, $"{wanted.Rows} rows, each once", "other parts");
        return null;
    }

    private static Problem? Keep(List<WeightPlace> places, WeightPlace place)
    {
        places.Add(place);
        return null;
    }

    // Where names leave a choice, the base's values decide.
    private IReadOnlyList<Candidate> Unambiguous(WantedWeight wanted, IReadOnlyList<Candidate> candidates, out Problem? ambiguity)
    {
        ambiguity = candidates.Any(candidate => candidate.Place.Part is not null) ? null : _names.Ambiguity(wanted.Module, candidates);
        if (ambiguity is null || Base is null)
            return candidates;

        var equal = candidates.Where(candidate => candidate.Use.Shape.Equals(wanted.Shape) && Base.Difference(wanted, candidate.Place) is null).ToList();
        if (equal.Count > 0 && _names.Ambiguity(wanted.Module, equal) is null)
            ambiguity = null;

        return equal;
    }

    private Problem Contradicted(ModuleName module, WeightUse use) => use.Layer == LayerKind.Convolution
        ? MappingProblems.WeightRewritten(_model.Path, module.Value, PlaceCheck.Owner(use), hasBase: Base is not null)
        : MappingProblems.ModuleUnmapped(_model.Path, module.Value, $"; {PlaceCheck.Owner(use)}");

    private string Near(ModuleName module)
    {
        var near = NearMisses.Phrase(module.Value, Uses.Select(use => use.ModuleGuess));
        if (_model.AllNodes().FirstOrDefault(node => node.IsContrib("QAttention")) is { } quantized)
            return $"{near}; node '{quantized.Name}' (QAttention) packs quantized weights, which are not looked into";

        if (_model.AllNodes().Any(node => node.Domain == "com.microsoft.nchwc"))
            return near + "; its convolutions are laid out for one machine, take the graph from before ONNX Runtime's last optimization level";

        return _model.Proto.Functions.Count > 0 ? near + "; its functions are not looked into, inline them first" : near;
    }

    private Resolution? Mapped(WantedWeight wanted, IReadOnlyList<MapTarget> targets, ref Problem? fault)
    {
        var found = new List<Candidate>();
        foreach (var target in targets)
        {
            var uses = Uses.Where(use => use.Node.Name == target.At || use.Name == target.At).ToList();
            if (uses.Count == 0 || uses.Any(use => target.Rows is { } rows && rows.End > use.Shape[0]) || target.Part?.End > wanted.Rows)
            {
                fault = MappingProblems.MapInvalid(_options.Map.Path, $"module '{wanted.Module}' is mapped to '{target.At}', which the graph does not have"
                    + (uses.Count > 0 ? " so many rows of" : NearMisses.Phrase(target.At, Uses.SelectMany(use => new[] { use.Node.Name, use.Name }))));
                return null;
            }

            found.AddRange(uses.Select(use => new Candidate(
                new WeightPlace(use) { Rows = target.Rows, Part = target.Part }, [new Evidence(EvidenceTier.Map, NameMatch.Exact)])));
        }

        return Checked(wanted, found, ref fault);
    }
}
