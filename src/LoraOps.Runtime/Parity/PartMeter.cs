using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>Gathers the distance on every output, and how often labels are met.</summary>
internal sealed class PartMeter(IReadOnlyList<Port> outputs)
{
    private readonly Dictionary<string, OutputMeter> _meters = outputs.ToDictionary(
        output => output.Name, output => new OutputMeter(output.Name), StringComparer.Ordinal);

    private readonly SortedSet<string> _references = new(StringComparer.Ordinal);
    private TaskMeter? _task;
    private int _samples;

    /// <summary>Adds samples of a pass.</summary>
    /// <param name="reference">Whose values they are held against.</param>
    /// <param name="scored">The output that labels are of, and they; or null.</param>
    /// <param name="first">The first sample, counted as the labels are.</param>
    /// <param name="count">How many.</param>
    /// <param name="values">For each output its shape and the values of candidate and reference.</param>
    public void Add(
        string reference,
        (string Output, Labels Labels)? scored,
        int first,
        int count,
        IReadOnlyDictionary<string, (OutputBlock Mine, OutputBlock Theirs)> values)
    {
        _references.Add(reference);
        _samples += count;
        foreach (var (name, (mine, theirs)) in values)
        {
            _meters[name].Add(mine.Shape, mine.Values, theirs.Values);
            if (scored is { } task && task.Output == name)
                (_task ??= new TaskMeter(name)).Add(task.Labels, first, mine.Shape, mine.Values, theirs.Values);
        }
    }

    /// <summary>The distance over everything that was added.</summary>
    public ParityReport Result(string candidate) => new(
        candidate, string.Join(", ", _references), _samples, [.. outputs.Select(output => _meters[output.Name].Result())], _task?.Result());
}
