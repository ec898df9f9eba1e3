using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// Finds nodes by the values of the base's weights: whole, as rows of a packed weight, or as parts. Each stored weight is read
/// once, when the first module of its width is looked for, and only the hashes of its rows are kept.
/// </summary>
internal sealed class ContentPlaces(OnnxModel model, IReadOnlyList<WeightUse> uses, CheckpointComparison comparison)
{
    private static readonly Evidence[] _content = [new(EvidenceTier.Content, NameMatch.Exact)];

    private readonly OnnxModel _model = model;
    private readonly IReadOnlyList<WeightUse> _uses = uses;
    private readonly CheckpointComparison _base = comparison;
    private readonly Dictionary<WeightUse, ulong[]> _hashes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WeightUse, float[]> _firstRows = new(ReferenceEqualityComparer.Instance);

    /// <summary>The nodes whose stored rows are the module's; none if there are none, or if other modules have the same values.</summary>
    public IReadOnlyList<Candidate> Find(WantedWeight wanted)
    {
        var found = _base.Weights.Values(wanted).Select(values => Matches(wanted, values)).FirstOrDefault(matches => matches.Count > 0);
        if (found is null)
            return _base.Weights.Values(wanted).Any() ? [] : Tied(wanted);

        var nodes = found.Select(candidate => candidate.Use.Node).Distinct<object>(ReferenceEqualityComparer.Instance).Count();
        return nodes > 1 && found.All(candidate => candidate.Place.Part is null) && HasTwin(wanted) ? [] : found;
    }

    /// <summary>The nodes whose weights are not equal but may be the module's all the same: folded norms, quantized codes.</summary>
    public IEnumerable<Candidate> Alike(WantedWeight wanted) => _uses
        .Where(use => wanted.HasColumnsOf(use) && use.Shape.Equals(wanted.Shape))
        .Where(use => use.Codes is null ? use.Layer == LayerKind.Convolution : StartsAlike(wanted, use))
        .Select(use => new Candidate(new WeightPlace(use), _content));

    private List<Candidate> Matches(WantedWeight wanted, float[] values)
    {
        var columns = (int)wanted.Shape.RowLength;
        var mine = new Dictionary<ElementType, ulong[]>();
        var (whole, inside, parts) = (new List<Candidate>(), new List<Candidate>(), new List<Candidate>());
        foreach (var use in _uses.Where(use => wanted.HasColumnsOf(use) && Type(use) is not null))
        {
            var type = Type(use)!.Value;
            if (!mine.TryGetValue(type, out var hashes))
                mine[type] = hashes = RowHashes.Of(values, columns, type);

            var theirs = Hashes(use, columns, type);
            if (hashes.Length == 0 || theirs.Length == 0)
                continue;

            if (theirs.Length == hashes.Length)
                Add(whole, theirs.AsSpan().SequenceEqual(hashes) ? [new WeightPlace(use)] : []);
            else if (theirs.Length > hashes.Length)
                Add(inside, RowHashes.Places(theirs, hashes).Select(at => new WeightPlace(use) { Rows = new RowRange(at, hashes.Length) }));
            else
                Add(parts, RowHashes.Places(hashes, theirs).Select(at => new WeightPlace(use) { Part = new RowRange(at, theirs.Length) }));
        }

        return whole.Count > 0 ? whole : Single(inside) ? inside : Tiles(parts, wanted.Rows) ? parts : [];
    }

    private static void Add(List<Candidate> found, IEnumerable<WeightPlace> places) =>
        found.AddRange(places.Select(place => new Candidate(place, _content)));

    // The same rows twice in one packed weight: no telling which.
    private static bool Single(List<Candidate> inside) => inside.Count > 0
        && inside.Select(candidate => candidate.Use).Distinct(ReferenceEqualityComparer.Instance).Count() == inside.Count;

    private static bool Tiles(List<Candidate> parts, long rows) => RowRange.Tile(parts.Select(candidate => candidate.Place.Part!.Value), rows)
        && parts.Select(candidate => candidate.Use).Distinct(ReferenceEqualityComparer.Instance).Count() == parts.Count;

    // A head that is tied to the embedding has no tensor of its own in the base.
    private List<Candidate> Tied(WantedWeight wanted)
    {
        var found = _base.Weights.Like(wanted.Shape)
            .SelectMany(tensor => CheckpointWeights.Oriented(tensor, wanted.Shape))
            .Select(values => Matches(wanted, values))
            .Where(matches => matches.Count > 0).ToList();
        return found is [{ Count: 1 } only] ? only : [];
    }

    private bool HasTwin(WantedWeight wanted)
    {
        if (_base.Weights.Find(wanted.Aliases, "weight") is not { } own)
            return true;

        var first = new float[own.Shape.RowLength];
        own.ReadFloats(0, first);
        var row = new float[first.Length];
        return _base.Weights.Like(own.Shape).Where(tensor => tensor.Name != own.Name && tensor.Shape.Equals(own.Shape)).Any(tensor =>
        {
            tensor.ReadFloats(0, row);
            return row.AsSpan().SequenceEqual(first) && tensor.ToFloats().AsSpan().SequenceEqual(own.ToFloats());
        });
    }

    private static ElementType? Type(WeightUse use) =>
        use.Codes is null && OnnxTensor.TypeOf(use.Tensor.DataType) is { } type && StoredWeight.IsWritable(type) ? type : null;

    private ulong[] Hashes(WeightUse use, int columns, ElementType type)
    {
        if (_hashes.TryGetValue(use, out var known))
            return known;

        var twin = _hashes.FirstOrDefault(pair => ReferenceEquals(pair.Key.Tensor, use.Tensor)
            && pair.Key.IsTransposed == use.IsTransposed && pair.Key.Alpha == use.Alpha).Value;
        return _hashes[use] = twin ?? RowHashes.Of(StoredWeight.Read(_model, use), columns, type);
    }

    // The whole is compared afterwards; the first row spares most of the work.
    private bool StartsAlike(WantedWeight wanted, WeightUse use)
    {
        var columns = (int)wanted.Shape.RowLength;
        if (!_firstRows.TryGetValue(use, out var row))
        {
            var values = Dequantizing.Fits(_model, use.Tensor, use.Codes!) ? StoredWeight.Read(_model, use) : [];
            var steps = values.Length == 0 ? [] : StoredWeight.Steps(_model, use);
            _firstRows[use] = row = values.Length < columns ? [] : [.. values.AsSpan(0, columns), .. steps.AsSpan(0, columns)];
        }

        return row.Length > 0 && _base.Weights.Values(wanted).Any(values =>
            Enumerable.Range(0, columns).All(i => Math.Abs(values[i] - row[i]) <= row[columns + i]));
    }
}
