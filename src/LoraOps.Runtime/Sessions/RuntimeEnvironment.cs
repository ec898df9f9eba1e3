using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>The one environment that ONNX Runtime has in a process.</summary>
internal static class RuntimeEnvironment
{
    private static readonly Lazy<OrtEnv> Made = new(Make);

    /// <summary>
    /// Makes sure that the runtime writes nothing to stderr, which belongs to the command, and sends nothing home.
    /// Whatever it has to say comes as an exception.
    /// </summary>
    public static void Quiet() => _ = Made.Value;

    private static OrtEnv Make()
    {
        var options = new EnvironmentCreationOptions { logId = "loraops", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var environment = OrtEnv.IsCreated ? OrtEnv.Instance() : OrtEnv.CreateInstanceWithOptions(ref options);
        environment.DisableTelemetryEvents();
        return environment;
    }
}
