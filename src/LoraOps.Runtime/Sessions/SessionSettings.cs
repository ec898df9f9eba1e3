using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>How far ONNX Runtime may rewrite a graph before it runs.</summary>
public enum GraphOptimization
{
    /// <summary>Not at all: every tensor of the file is computed.</summary>
    None,

    /// <summary>Constant folding, dead code, fusions that stay inside the ONNX operators.</summary>
    Basic,

    /// <summary>Also fused kernels of the CPU, integer kernels among them.</summary>
    Extended,

    /// <summary>Also memory layouts of this very machine.</summary>
    All,
}

/// <summary>How a session runs; the defaults give the same numbers on any machine with the same CPU features.</summary>
public sealed record SessionSettings
{
    /// <summary>The settings for calibration: as the file says, one thread.</summary>
    public static SessionSettings AsWritten { get; } = new() { Optimization = GraphOptimization.None };

    /// <summary>As <see cref="AsWritten"/>, and with as little memory as possible; runs may go on at once.</summary>
    public static SessionSettings Lean { get; } = AsWritten with { IsLean = true };

    /// <summary>How far the graph may be rewritten.</summary>
    public GraphOptimization Optimization { get; init; } = GraphOptimization.All;

    /// <summary>Threads inside one operator; sums may be split differently with another number.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Little memory rather than the last of speed: weights are used where they lie in the model's message, not copied into the order that
    /// kernels like best, and what a run needs is given back after it. Only with <see cref="GraphOptimization.None"/>.
    /// </summary>
    public bool IsLean { get; init; }

    /// <summary>Where to save the rewritten model, or null.</summary>
    public string? OptimizedModelPath { get; init; }

    /// <summary>The folder that external tensors are relative to; null for the model's own.</summary>
    internal string? ExternalFolder { get; init; }

    /// <summary>The settings as the runtime takes them; it is kept silent.</summary>
    internal SessionOptions ToOptions()
    {
        RuntimeEnvironment.Quiet();
        var options = new SessionOptions
        {
            GraphOptimizationLevel = Optimization switch
            {
                GraphOptimization.None => GraphOptimizationLevel.ORT_DISABLE_ALL,
                GraphOptimization.Basic => GraphOptimizationLevel.ORT_ENABLE_BASIC,
                GraphOptimization.Extended => GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
                _ => GraphOptimizationLevel.ORT_ENABLE_ALL,
            },
            IntraOpNumThreads = Threads,
            InterOpNumThreads = 1,

            // Whatever the runtime has to say comes as an exception; stderr belongs to the command.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        if (IsLean)
        {
            options.EnableCpuMemArena = false;
            options.EnableMemoryPattern = false;
            options.AddSessionConfigEntry("session.disable_prepacking", "1");
        }

        if (ExternalFolder is not null)
            options.AddSessionConfigEntry("session.disable_prepacking", "1");

        if (OptimizedModelPath is { } path)
            options.OptimizedModelFilePath = path;

        return options;
    }
}
