using LoraOps.Problems;

namespace LoraOps.Readers.Safetensors;

/// <summary>Collects what one pass finds wrong, and stops the pass when a file is wrong in too many places to be worth it.</summary>
internal sealed class ProblemList
{
    private const int Limit = 16;
    private readonly List<Problem> _problems = [];

    /// <summary>Adds a problem.</summary>
    /// <exception cref="LoraOpsException">Enough were found.</exception>
    public void Add(Problem problem)
    {
        _problems.Add(problem);
        if (_problems.Count == Limit)
            ThrowIfAny();
    }

    /// <summary>Ends a pass.</summary>
    /// <exception cref="LoraOpsException">A problem was found.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw new LoraOpsException([.. _problems]);
    }
}
