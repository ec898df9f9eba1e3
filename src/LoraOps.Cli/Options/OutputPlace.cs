using System.CommandLine;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>Where <c>-o DIR|FILE</c> points: a path that ends like a model file is that file, any other a folder for <c>model.onnx</c>.</summary>
internal sealed class OutputPlace
{
    private readonly bool _overwrite;

    private OutputPlace(string path, bool overwrite)
    {
        Path = path;
        IsFile = path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);
        Model = IsFile ? path : System.IO.Path.Combine(path, "model.onnx");
        _overwrite = overwrite;
    }

    /// <summary>As the user wrote it.</summary>
    public string Path { get; }

    /// <summary>True if the user named the model file itself.</summary>
    public bool IsFile { get; }

    /// <summary>The model file.</summary>
    public string Model { get; }

    /// <summary>A new, required <c>-o</c>.</summary>
    public static Option<string> Option(string helpName = "DIR|FILE", string description = "Where the result goes.") =>
        new("--output", "-o") { Description = description, HelpName = helpName, Required = true };

    /// <summary>Decides by the ending, and refuses a place that cannot be written before any work is done.</summary>
    /// <param name="path">What the user gave to <c>-o</c>.</param>
    /// <param name="overwrite">An existing model may be replaced.</param>
    /// <param name="inputs">The files of the command, which it must not change.</param>
    /// <exception cref="LoraOpsException">The output exists, or is an input.</exception>
    public static OutputPlace Checked(string path, bool overwrite, params IEnumerable<string> inputs)
    {
        var place = new OutputPlace(path, overwrite);
        if (inputs.Any(input => IsSame(input, place.Model) || IsSame(input, place.Path)))
            throw new LoraOpsException(OutputProblems.OutputIsInput(path));

        return StagedOutput.Obstacle(place.Model, overwrite) is { } problem ? throw new LoraOpsException(problem) : place;
    }

    /// <summary>Writes the model whole or not at all.</summary>
    public void Write(OnnxModel model)
    {
        // A new folder appears with its model; in an existing one only the model's own files are replaced.
        if (IsFile || Directory.Exists(Path))
        {
            using var file = StagedOutput.ForFile(Model, _overwrite);
            model.Save(file.Path);
            file.Commit();
            return;
        }

        using var folder = StagedOutput.ForFolder(Path, _overwrite);
        model.Save(System.IO.Path.Combine(folder.Path, System.IO.Path.GetFileName(Model)));
        folder.Commit();
    }

    /// <summary>The bytes that were written, external data included.</summary>
    public long Bytes() => new[] { Model, Model + ".data" }.Where(File.Exists).Sum(file => new FileInfo(file).Length);

    /// <summary>True if two paths are the same place.</summary>
    public static bool IsSame(string a, string b) => string.Equals(
        System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(a)),
        System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(b)),
        OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
}
