using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>Gathers the distance on every output, how often labels are met, and what the adapter does.</summary>
internal sealed class PartMeter(IReadOnlyList<Port> outputs)
{
    private readonly Dictionary<string, OutputMeter> _meters = outputs.ToDictionary(
        output => output.Name, output => new OutputMeter(output.Name), StringComparer.Ordinal);

    private readonly SortedSet<string> _references = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EffectMeter> _effects = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _origins = new(StringComparer.Ordinal);
    private WorstSamples? _worst;
    private string _worstOutput = "";
    private TaskMeter? _task;
    private int _samples;

    /// <summary>Adds samples of a pass.</summary>
    public void Add(MeteredPiece piece)
    {
        _references.Add(piece.Reference);
        _samples += piece.Count;
        var worst = Worst(piece);
        foreach (var (name, (mine, theirs)) in piece.Values)
        {
            _meters[name].Add(mine.Shape, mine.Values, theirs.Values, piece.First, name == _worstOutput ? worst : null);
            if (piece.Scored is { } task && task.Output == name)
                (_task ??= new TaskMeter(name)).Add(task.Labels, piece.First, mine.Shape, mine.Values, theirs.Values);
        }
    }

    /// <summary>Adds what an adapter does to samples that were added.</summary>
    /// <param name="output">The output.</param>
    /// <param name="origin">What the candidate's effect is measured from, in words.</param>
    /// <param name="candidate">The candidate's values with the adapter and without it.</param>
    /// <param name="reference">The reference's.</param>
    public void AddEffect(string output, string origin, (float[] With, float[] Without) candidate, (float[] With, float[] Without) reference)
    {
        _origins.Add(origin);
        if (!_effects.TryGetValue(output, out var meter))
            _effects[output] = meter = new EffectMeter(output);

        meter.Add(candidate, reference);
    }

    /// <summary>The distance over everything that was added.</summary>
    public ParityReport Result(string candidate) => new(
        candidate, string.Join(", ", _references), _samples, [.. outputs.Select(output => _meters[output.Name].Result())], _task?.Result())
    {
        WorstSamples = _worst?.Result ?? [],
        Confusion = _task?.Confusion(),
        Survival = Survival(),
    };

    private WorstSamples? Worst(MeteredPiece piece)
    {
        if (outputs.Count == 0)
            return null;

        _worst ??= new WorstSamples(_worstOutput = piece.Scored?.Output ?? outputs[0].Name);
        _worst.Domain = piece.Part.Domain.Length > 0 ? piece.Part.Domain : piece.Part.Adapter;
        _worst.LabelOf = piece.Scored is { } task && task.Output == _worstOutput ? index => task.Labels.Single(index) : _ => null;
        return _worst;
    }

    private SurvivalReport? Survival()
    {
        if (_effects.Count == 0)
            return null;

        // What is no number is worse than every number.
        var effects = outputs.Where(output => _effects.ContainsKey(output.Name)).Select(output => _effects[output.Name].Result()).ToList();
        var worst = effects.MinBy(effect => double.IsNaN(effect.Cosine) ? double.NegativeInfinity : effect.Cosine)!;
        return new SurvivalReport
        {
            Effects = effects,
            EffectCosine = worst.Cosine,
            EffectRatio = worst.Ratio,
            Origin = string.Join(", ", _origins),
        };
    }
}
