namespace LoraOps.Cli.Reports.Checks;

/// <summary>One limit or rule that something was held against; the one list that every report for machines is made of.</summary>
/// <param name="Rule">The stable id: a metric, a chip's rule, a LORA number.</param>
/// <param name="Name">What had to hold, the same in every run: the gate, the rule's demand.</param>
/// <param name="Outcome">How it ended.</param>
internal sealed record Check(string Rule, string Name, Outcome Outcome)
{
    /// <summary>The output, node or tensor; empty for the whole file.</summary>
    public string Where { get; init; } = "";

    /// <summary>What was found: a sentence without its full stop.</summary>
    public string What { get; init; } = "";

    /// <summary>What to do: a whole sentence.</summary>
    public string Advice { get; init; } = "";

    /// <summary>What was found, and what to do.</summary>
    public string Message => string.Join(' ', new[] { What.Length == 0 ? $"{Name}." : $"{What}.", Advice }.Where(text => text.Length > 0));

    /// <summary>Somebody should read it.</summary>
    public bool IsFinding => Outcome is Outcome.Failed or Outcome.Warned;
}
