using System.Text;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Bundles;

/// <summary>A file that goes into a bundle.</summary>
/// <param name="Path">Where it goes: a path in the bundle, with <c>/</c>.</param>
/// <param name="Source">Where it is now.</param>
public sealed record BundleFile(string Path, string Source);

/// <summary>Writes bundles: the files, <c>manifest.json</c> over them and <c>SHA256SUMS</c> over all. The same input gives the same bytes.</summary>
public static class BundleWriter
{
    /// <summary>The manifest's file name.</summary>
    public const string ManifestName = "manifest.json";

    /// <summary>The digests' file name.</summary>
    public const string SumsName = Sums.FileName;

    /// <summary>Writes a bundle whole or not at all.</summary>
    /// <param name="destination">The folder to make.</param>
    /// <param name="files">What goes in.</param>
    /// <param name="manifest">What it is; its <see cref="BundleManifest.Files"/> are filled in here.</param>
    /// <param name="overwrite">Replace a folder that is there.</param>
    /// <returns>The manifest as written.</returns>
    /// <exception cref="LoraOpsException">A path cannot be used, a file cannot be read, or the destination is in the way.</exception>
    public static BundleManifest Write(
        string destination, IReadOnlyList<BundleFile> files, BundleManifest manifest, bool overwrite = false)
    {
        var problems = Check(files).ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        using var stage = StagedOutput.ForFolder(destination, overwrite);
        var written = files.OrderBy(file => file.Path, StringComparer.Ordinal).Select(file => Copy(file, stage.Path)).ToList();
        var complete = manifest with { Files = written };
        var json = ManifestJson.Render(complete);
        File.WriteAllBytes(Path.Combine(stage.Path, ManifestName), json);
        var sums = written.Select(file => new Sum(file.Path, file.Sha256)).Append(new Sum(ManifestName, Digest.OfBytes(json)));
        File.WriteAllBytes(Path.Combine(stage.Path, Sums.FileName), Encoding.UTF8.GetBytes(Sums.Render(sums)));
        stage.Commit();
        return complete;
    }

    /// <summary>What would stop <see cref="Write"/>, all at once; for planning.</summary>
    public static IEnumerable<Problem> Check(IReadOnlyList<BundleFile> files)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { ManifestName, Sums.FileName };
        foreach (var file in files)
        {
            if (BundlePath.Fault(file.Path) is { } fault)
                yield return OutputProblems.BundlePathUnusable(file.Source, fault);
            else if (!seen.Add(file.Path))
                yield return OutputProblems.BundlePathUnusable(file.Source, $"the bundle already has a file '{file.Path}'");

            if (!File.Exists(file.Source))
                yield return FileProblems.FileMissing(file.Source);
        }
    }

    private static ManifestFile Copy(BundleFile file, string folder)
    {
        var target = Path.Combine(folder, file.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(file.Source, target);

        // The copy is what ships, so the copy is what is measured.
        return new ManifestFile(file.Path, new FileInfo(target).Length, Digest.OfFile(target));
    }
}
