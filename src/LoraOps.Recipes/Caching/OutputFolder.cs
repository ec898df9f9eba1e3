using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Recipes.Caching;

/// <summary>
/// A recipe's output: the bundles, and in <c>.cache</c> what the stages gave, each in a folder of the stage's key. An entry is a
/// bundle itself, so that a damaged one is found and made again.
/// </summary>
internal sealed class OutputFolder(string path)
{
    private const string CacheName = ".cache";
    private const string PublishedSuffix = ".published";
    private const string LockName = "lock";

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    private string Cache => System.IO.Path.Combine(Path, CacheName);

    /// <summary>Where a bundle goes.</summary>
    public string BundleOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Where a stage's result goes.</summary>
    public string EntryOf(string key) => System.IO.Path.Combine(Cache, key);

    /// <summary>A new folder for a stage's files; the next run removes what a killed one left of it.</summary>
    public Scratch Scratch(string key) => new(System.IO.Path.Combine(Cache, $"work-{key}"));

    /// <summary>The manifest of a stage's result, or null if there is none or it is damaged.</summary>
    public BundleManifest? Find(string key)
    {
        try
        {
            return Directory.Exists(EntryOf(key)) ? BundleVerifier.Read(EntryOf(key)) : null;
        }
        catch (LoraOpsException)
        {
            return null;
        }
    }

    /// <summary>True if the bundle is whole and holds this very result.</summary>
    public bool IsPublished(string name, string key)
    {
        var (theirs, ours) = (System.IO.Path.Combine(BundleOf(name), BundleWriter.SumsName), System.IO.Path.Combine(EntryOf(key), BundleWriter.SumsName));
        return File.Exists(theirs) && File.Exists(ours) && BundleVerifier.Verify(BundleOf(name)).Count == 0
            && File.ReadAllBytes(theirs).AsSpan().SequenceEqual(File.ReadAllBytes(ours));
    }

    /// <summary>What keeps a bundle from going where it should, or nothing: only what a run put there, or a whole bundle of that name, is replaced.</summary>
    public IReadOnlyList<Problem> Obstacles(string name)
    {
        var destination = BundleOf(name);
        if (StagedOutput.Obstacle(destination, overwrite: false) is not { } obstacle || WasPublished(name))
            return [];

        if (!Directory.Exists(destination) || !File.Exists(System.IO.Path.Combine(destination, BundleWriter.SumsName)))
            return [obstacle];

        var damage = BundleVerifier.Verify(destination);
        return damage.Count > 0 ? damage : BundleVerifier.Read(destination).Name == name ? [] : [obstacle];
    }

    /// <summary>True if a run put a bundle there.</summary>
    public bool WasPublished(string name) => File.Exists(PublishedOf(name));

    /// <summary>Copies a stage's result to where its bundle goes.</summary>
    public void Publish(string name, string key)
    {
        var entry = EntryOf(key);
        using var stage = StagedOutput.ForFolder(BundleOf(name), overwrite: true);
        foreach (var file in Directory.EnumerateFiles(entry, "*", SearchOption.AllDirectories))
        {
            var copy = System.IO.Path.Combine(stage.Path, System.IO.Path.GetRelativePath(entry, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy) ?? stage.Path);
            File.Copy(file, copy);
        }

        // The mark goes first: a run that is killed between the two still knows its own bundle.
        File.WriteAllText(PublishedOf(name), key);
        stage.Commit();
    }

    /// <summary>Keeps other runs out until disposed, and removes what a killed run left.</summary>
    /// <exception cref="LoraOpsException">Another run is working there.</exception>
    public IDisposable Lock()
    {
        Directory.CreateDirectory(Cache);
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(Cache, LockName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException)
        {
            throw new LoraOpsException(RecipeProblems.Locked(Path));
        }

        foreach (var stale in Directory.EnumerateDirectories(Cache).Where(folder => !Digest.IsDigest(System.IO.Path.GetFileName(folder))))
            Directory.Delete(stale, recursive: true);

        return held;
    }

    /// <summary>Removes the partial folders that a killed run left beside these bundles; the lock is held.</summary>
    public void Sweep(IEnumerable<string> names)
    {
        foreach (var partial in names.SelectMany(name => Directory.EnumerateDirectories(Path, $".{name}.*.partial")))
            Directory.Delete(partial, recursive: true);
    }

    /// <summary>Deletes the results that no longer serve the recipe.</summary>
    public void Prune(IReadOnlySet<string> keys)
    {
        foreach (var entry in Directory.EnumerateDirectories(Cache).Where(entry => !keys.Contains(System.IO.Path.GetFileName(entry))))
            Directory.Delete(entry, recursive: true);
    }

    private string PublishedOf(string name) => System.IO.Path.Combine(Cache, name + PublishedSuffix);
}
