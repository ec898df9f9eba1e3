namespace LoraOps.Runtime.Parity;

/// <summary>Which class is taken for which.</summary>
/// <param name="Output">The output that was scored.</param>
/// <param name="Classes">How many there are, at most <see cref="MostClasses"/>.</param>
/// <param name="Candidate">Counts, [label, predicted class] row-major.</param>
/// <param name="Reference">The same of the reference.</param>
public sealed record Confusion(string Output, int Classes, IReadOnlyList<long> Candidate, IReadOnlyList<long> Reference)
{
    /// <summary>More classes than this give no table that anybody reads.</summary>
    public const int MostClasses = 64;
}
