using System.CommandLine;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>Where <c>-o DIR|FILE</c> points: a path that ends like a model file is a file, any other a folder that gets one.</summary>
/// <param name="Path">As the user wrote it.</param>
/// <param name="IsFile">True if the model is to have exactly this path.</param>
internal sealed record OutputPlace(string Path, bool IsFile)
{
    private static readonly string[] FileEndings = [".onnx", ".safetensors"];

    /// <summary>Decides by the ending.</summary>
    public static OutputPlace Of(string path) =>
        new(path, FileEndings.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) && !Directory.Exists(path));

    /// <summary>A new, required <c>-o</c>.</summary>
    public static Option<string> Option(string helpName = "DIR|FILE", string description = "Where the result goes.") => new("--output", "-o")
    {
        Description = description,
        HelpName = helpName,
        Required = true,
    };
}
