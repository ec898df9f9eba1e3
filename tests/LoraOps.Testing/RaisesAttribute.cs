using LoraOps.Problems;

namespace LoraOps.Testing;

/// <summary>Marks the test that proves a problem which no broken file can raise: a full disk, an output that is in the way.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RaisesAttribute(params ProblemCode[] codes) : Attribute
{
    /// <summary>The problems that the test sees.</summary>
    public IReadOnlyList<ProblemCode> Codes { get; } = codes;
}
