namespace LoraOps.Problems;

/// <summary>The process exit status that a pipeline step branches on; fixed by the design, extended only at the end.</summary>
public enum ExitCode
{
    /// <summary>Done, and all gates pass.</summary>
    Done = 0,

    /// <summary>Our bug: nobody who called us did anything wrong.</summary>
    Bug = 1,

    /// <summary>The command line is wrong, or the output already exists and --overwrite was not given.</summary>
    Usage = 2,

    /// <summary>A parity limit was missed.</summary>
    GateFailed = 3,

    /// <summary>An input file is invalid.</summary>
    InvalidInput = 4,

    /// <summary>The chip or target cannot run the model.</summary>
    ChipRefuses = 5,

    /// <summary>A signature or digest is wrong.</summary>
    WrongDigest = 6,

    /// <summary>Transient: a full disk or a lock; the same command may succeed later.</summary>
    Transient = 75,

    /// <summary>Cancelled by the user.</summary>
    Cancelled = 130,
}
