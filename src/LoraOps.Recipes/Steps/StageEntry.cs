using LoraOps.Bundles;
using LoraOps.Recipes.Caching;

namespace LoraOps.Recipes.Steps;

/// <summary>How a stage's files become an entry of the cache.</summary>
internal static class StageEntry
{
    /// <summary>Keeps every file of the scratch folder under the key, and removes the scratch folder.</summary>
    public static BundleManifest Keep(OutputFolder output, string key, string scratch, BundleManifest manifest)
    {
        var files = Directory.EnumerateFiles(scratch).Select(file => new BundleFile(Path.GetFileName(file), file)).ToList();
        var kept = BundleWriter.Write(output.EntryOf(key), files, manifest, overwrite: true);
        Directory.Delete(scratch, recursive: true);
        return kept;
    }

    /// <summary>The length of the models in an entry.</summary>
    public static long Bytes(this BundleManifest manifest) => manifest.Files.Sum(file => file.Bytes);
}
