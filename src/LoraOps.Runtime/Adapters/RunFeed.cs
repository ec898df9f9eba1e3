using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>What one run is fed: the caller's values, and the manager's own.</summary>
internal sealed class RunFeed
{
    private RunFeed(List<string> names, List<OrtValue> values)
    {
        Names = names;
        Values = values;
    }

    /// <summary>The inputs.</summary>
    public List<string> Names { get; }

    /// <summary>Their values, in the order of <see cref="Names"/>.</summary>
    public List<OrtValue> Values { get; }

    /// <summary>Checks the caller's names: ONNX Runtime lets an adapter win over them in silence.</summary>
    /// <exception cref="LoraOpsException">One is missing, unknown, or set by the adapter.</exception>
    public static RunFeed Of(LiveSession session, Activation active, IReadOnlyDictionary<string, OrtValue> inputs)
    {
        var problems = new List<Problem>();
        foreach (var name in inputs.Keys)
        {
            if (active.Sets(name))
                problems.Add(SwitchProblems.InputTaken(session.Path, name, active.Label));
            else if (!session.Overridable.Contains(name) && !session.Inputs.Any(input => input.Name == name))
                problems.Add(SwitchProblems.InputUnknown(session.Path, name, NearMisses.Phrase(name, session.Inputs.Select(input => input.Name))));
        }

        foreach (var input in session.Inputs.Where(input => !active.Sets(input.Name) && !inputs.ContainsKey(input.Name)))
            problems.Add(RunProblems.InputMissing("the inputs of a run", session.Path, input.Name, NearMisses.Phrase(input.Name, inputs.Keys)));

        return problems.Count == 0 ? new RunFeed([.. inputs.Keys], [.. inputs.Values]) : throw new LoraOpsException(problems);
    }

    /// <summary>Adds a value of the manager's.</summary>
    public void Add(string name, OrtValue value)
    {
        Names.Add(name);
        Values.Add(value);
    }
}
