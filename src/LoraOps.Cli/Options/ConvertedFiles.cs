using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>A converted model and the adapter files beside it: all of them appear, or none.</summary>
/// <param name="place">Where the model goes.</param>
/// <param name="overwrite">Existing files may be replaced.</param>
/// <param name="layout">The bytes of the adapter files.</param>
internal sealed class ConvertedFiles(OutputPlace place, bool overwrite, OnnxAdapterLayout layout)
{
    private string Folder => place.IsFile ? Path.GetDirectoryName(Path.GetFullPath(place.Path))! : place.Path;

    /// <summary>The file of an adapter, as the user would write it.</summary>
    public string FileOf(string adapter) => place.IsFile
        ? Path.Combine(Path.GetDirectoryName(place.Path) ?? "", adapter + OnnxAdapterFile.Extension)
        : Path.Combine(place.Path, adapter + OnnxAdapterFile.Extension);

    /// <summary>Refuses names that are no file names, and files that may not be replaced, before any work is done.</summary>
    /// <param name="adapters">The adapters' names and folders.</param>
    /// <exception cref="LoraOpsException">A file cannot be written.</exception>
    public void Check(IEnumerable<(string Name, string Folder)> adapters)
    {
        var problems = adapters.Select(adapter => IsFileName(adapter.Name)
            ? StagedOutput.Obstacle(FileOf(adapter.Name), overwrite)
            : FormProblems.AdapterNameUnusable(adapter.Folder, adapter.Name)).OfType<Problem>().ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }

    /// <summary>Writes the model and its adapters.</summary>
    public void Write(Conversion conversion)
    {
        if (conversion.Adapters.Count == 0)
        {
            place.Write(conversion.Model);
            return;
        }

        if (!Directory.Exists(Folder))
        {
            using var folder = StagedOutput.ForFolder(Folder, overwrite);
            conversion.Model.Save(Path.Combine(folder.Path, Path.GetFileName(place.Model)));
            foreach (var adapter in conversion.Adapters)
                OnnxAdapterFile.Write(Path.Combine(folder.Path, adapter.Name + OnnxAdapterFile.Extension), adapter.Content, layout);

            folder.Commit();
            return;
        }

        // In a folder that exists each file is finished beside its place before the first one is moved there.
        var staged = new List<StagedOutput>();
        try
        {
            foreach (var adapter in conversion.Adapters)
            {
                staged.Add(StagedOutput.ForFile(FileOf(adapter.Name), overwrite));
                OnnxAdapterFile.Write(staged[^1].Path, adapter.Content, layout);
            }

            staged.Add(StagedOutput.ForFile(place.Model, overwrite));
            conversion.Model.Save(staged[^1].Path);
            staged.ForEach(file => file.Commit());
        }
        finally
        {
            staged.ForEach(file => file.Dispose());
        }
    }

    // A name comes from the command line or from a folder; it must not lead out of the output's.
    private static bool IsFileName(string name) => name is not ("" or "." or "..") && name.IndexOfAny(['/', '\\', '\0']) < 0 && name.Length <= 200;
}
