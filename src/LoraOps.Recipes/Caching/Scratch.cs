namespace LoraOps.Recipes.Caching;

/// <summary>A stage's files while they are made; gone when the stage ends, however it ends.</summary>
internal sealed class Scratch : IDisposable
{
    internal Scratch(string path)
    {
        Path = path;
        Directory.CreateDirectory(path);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>A file in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
