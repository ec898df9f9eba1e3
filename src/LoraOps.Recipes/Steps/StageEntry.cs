using LoraOps.Bundles;
using LoraOps.Recipes.Caching;

namespace LoraOps.Recipes.Steps;

/// <summary>How a stage's files become an entry of the cache.</summary>
internal static class StageEntry
{
    /// <summary>Keeps every file of the scratch folder under the key.</summary>
    public static BundleManifest Keep(OutputFolder output, string key, Scratch scratch, BundleManifest manifest)
    {
        var files = Directory.EnumerateFiles(scratch.Path).Select(file => new BundleFile(Path.GetFileName(file), file)).ToList();
        return BundleWriter.Write(output.EntryOf(key), files, manifest, overwrite: true);
    }

    /// <summary>The length of the models in an entry.</summary>
    public static long Bytes(this BundleManifest manifest) => manifest.Files.Sum(file => file.Bytes);
}
