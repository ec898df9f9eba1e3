using LoraOps.Bundles;
using LoraOps.Recipes.Caching;

namespace LoraOps.Recipes.Steps;

/// <summary>How a stage's files become an entry of the cache.</summary>
internal static class StageEntry
{
    /// <summary>Keeps every file of the scratch folder under the key.</summary>
    public static BundleManifest Keep(OutputFolder output, string key, Scratch scratch, BundleManifest manifest)
    {
        var files = Directory.EnumerateFiles(scratch.Path, "*", SearchOption.AllDirectories)
            .Select(file => new BundleFile(Path.GetRelativePath(scratch.Path, file).Replace('\\', '/'), file)).ToList();
        return BundleWriter.Write(output.EntryOf(key), files, manifest, overwrite: true);
    }

    /// <summary>The length of the model in an entry, external data included; what lies beside it for a compiler is not the model's.</summary>
    public static long Bytes(this BundleManifest manifest) => manifest.Files
        .Where(file => file.Path.StartsWith(ConvertStep.ModelName, StringComparison.Ordinal)).Sum(file => file.Bytes);
}
