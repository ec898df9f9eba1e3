namespace LoraOps.Problems;

/// <summary>
/// Every failure by number. The thousands name the phase: 1 reading files, 2 what an adapter means, 3 transforming,
/// 4 writing, 5 recipes, 6 chips, 7 bundles, 8 data and gates, 9 the machine. A number is never reused.
/// </summary>
public enum ProblemCode
{
    /// <summary>No problem; never raised.</summary>
    None = 0,

    /// <summary>A file or folder that was named does not exist.</summary>
    FileMissing = 1001,

    /// <summary>A file exists but cannot be read (permissions, a folder in its place, an I/O error).</summary>
    FileUnreadable = 1002,

    /// <summary>A path in a file leaves the folder that the file lies in.</summary>
    PathEscapes = 1003,

    /// <summary>The folder or file is of no kind that LoraOps knows.</summary>
    KindUnknown = 1004,

    /// <summary>The file is no ONNX model.</summary>
    NotOnnx = 1301,

    /// <summary>A tensor's external data is missing, too short, or badly described.</summary>
    ExternalDataInvalid = 1302,

    /// <summary>A tensor in an ONNX model has elements that do not fit its dimensions or type.</summary>
    OnnxTensorInvalid = 1303,

    /// <summary>The output exists and --overwrite was not given.</summary>
    OutputExists = 4001,

    /// <summary>The output path is one of the inputs.</summary>
    OutputIsInput = 4002,

    /// <summary>The output folder cannot be written to.</summary>
    OutputUnwritable = 4003,

    /// <summary>The disk is full.</summary>
    DiskFull = 9001,
}

/// <summary>The exit status of each problem.</summary>
public static class ProblemCodeExit
{
    /// <summary>The process exit status that this problem leads to.</summary>
    public static ExitCode ExitCode(this ProblemCode code) => code switch
    {
        _ => ((int)code / 1000) switch
        {
            1 or 2 or 3 or 5 => Problems.ExitCode.InvalidInput,
            4 => Problems.ExitCode.Usage,
            6 => Problems.ExitCode.ChipRefuses,
            7 => Problems.ExitCode.WrongDigest,
            8 => Problems.ExitCode.InvalidInput,
            9 => Problems.ExitCode.Transient,
            _ => Problems.ExitCode.Bug,
        },
    };
}
