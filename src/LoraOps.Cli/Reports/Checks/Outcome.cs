namespace LoraOps.Cli.Reports.Checks;

/// <summary>How a check ended, the worst last.</summary>
internal enum Outcome
{
    /// <summary>It holds.</summary>
    Passed,

    /// <summary>Nobody looked, because something before it failed.</summary>
    Skipped,

    /// <summary>It does not hold, and nothing is stopped by that.</summary>
    Warned,

    /// <summary>It does not hold: do not ship.</summary>
    Failed,
}
