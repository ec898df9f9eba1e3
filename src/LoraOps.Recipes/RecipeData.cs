using LoraOps.Bundles;
using LoraOps.Readers.Samples;

namespace LoraOps.Recipes;

/// <summary>Samples that a recipe names: one file or folder, or those of a mix's adapters one after another.</summary>
/// <param name="Paths">The files or folders, at least one.</param>
/// <param name="Line">The line that names them.</param>
public sealed record RecipeData(IReadOnlyList<string> Paths, int Line)
{
    /// <summary>The paths, for messages.</summary>
    public string Name => string.Join(", ", Paths);

    /// <summary>The samples of all of them.</summary>
    /// <exception cref="Problems.LoraOpsException">A file is invalid, or they do not belong to one model.</exception>
    public SampleSet Open() => SampleSet.Join([.. Paths.Select(SampleSet.Open)]);

    /// <summary>Names and content, for manifests.</summary>
    public ManifestInput Input()
    {
        var inputs = Paths.Select(path => new ManifestInput(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), Digest.OfPath(path))).ToList();
        return inputs is [var only]
            ? only
            : new ManifestInput(string.Join('+', inputs.Select(input => input.File)), Digest.OfText(string.Join('\n', inputs.Select(input => input.Sha256))));
    }
}
