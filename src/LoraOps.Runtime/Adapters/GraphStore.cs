using LoraOps.Onnx.Forms;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Adapters;

/// <summary>The form <c>switchable</c>: all adapters are in the graph, and an input says which row uses which.</summary>
internal sealed class GraphStore : AdapterStore
{
    private readonly LiveSession _session;
    private readonly RowInput _input;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    /// <summary>Finds the input and the names.</summary>
    /// <exception cref="LoraOpsException">The model is not what it says of itself.</exception>
    public GraphStore(LiveSession session, FormMetadata form)
        : base(session.Path, form.Form)
    {
        _session = session;
        _input = RowInput.Find(session, form.Adapters.Count) ?? throw new LoraOpsException(SwitchProblems.FormMissing(
            session.Path, $"says that it is switchable, but has no input '{RowInput.Numbers}' or '{RowInput.Weights}' that follows a batch"));
        foreach (var id in form.Adapters)
        {
            if (id == AdapterManager.BaseId || !_places.TryAdd(id, _places.Count))
                throw new LoraOpsException(SwitchProblems.FormMissing(session.Path, $"lists the adapter '{id}' twice, or it is the word for none"));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterInfo> Adapters =>
        [.. _places.OrderBy(pair => pair.Value).Select(pair => new AdapterInfo(pair.Key, _session.Path, "", 0, true))];

    /// <inheritdoc/>
    public override string OwnInput => _input.Port.Name;

    private bool IsBlend => _input.Port.Type == ElementType.F32;

    /// <inheritdoc/>
    public override Activation One(string id) =>
        new RowActivation(([id], id), _input, [Row(id)], true, _session.Options);

    /// <inheritdoc/>
    public override Activation Rows(IReadOnlyList<string> ids) =>
        new RowActivation((ids, ids.Distinct().Count() == 1 ? ids[0] : "mixed"), _input, [.. ids.Select(Row)], false, _session.Options);

    /// <inheritdoc/>
    public override Activation Blend(IReadOnlyList<IReadOnlyDictionary<string, float>> rows, bool isForAll)
    {
        if (!IsBlend)
            return base.Blend(rows, isForAll);

        return new RowActivation(([.. rows.SelectMany(row => row.Keys).Distinct()], "blend"), _input, [.. rows.Select(Row)], isForAll, _session.Options);
    }

    /// <inheritdoc/>
    public override void Preload(string id) => Place(id);

    private float[] Row(string id)
    {
        if (!IsBlend)
            return [Place(id) + 1];

        var row = new float[_places.Count];
        if (Place(id) is var place and >= 0)
            row[place] = 1;

        return row;
    }

    private float[] Row(IReadOnlyDictionary<string, float> weights)
    {
        var row = new float[_places.Count];
        foreach (var (id, weight) in weights)
        {
            var place = Place(id);
            if (place < 0 || !float.IsFinite(weight))
                throw new LoraOpsException(SwitchProblems.BlendInvalid(_session.Path, id, weight));

            row[place] = weight;
        }

        return row;
    }

    private int Place(string id)
    {
        if (id == AdapterManager.BaseId)
            return -1;

        return _places.TryGetValue(id, out var place)
            ? place
            : throw new LoraOpsException(SwitchProblems.AdapterUnknown(id, NearMisses.Phrase(id, _places.Keys)));
    }
}
