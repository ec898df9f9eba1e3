namespace LoraOps.Fuzz;

/// <summary>Files that one target reads: a sound input before it is mutated, or a mutated one.</summary>
/// <param name="Target">The target's name.</param>
/// <param name="Files">Contents by relative path, in ordinal order.</param>
/// <param name="Base">The base's relative path, for merging.</param>
/// <param name="Adapter">The adapter's relative path, for merging and reading adapters.</param>
public sealed record FuzzInput(string Target, IReadOnlyList<(string Path, byte[] Bytes)> Files, string Base = "", string Adapter = "")
{
    private const string Note = "fuzz-input.txt";

    /// <summary>The number of bytes in all files.</summary>
    public long Size => Files.Sum(file => (long)file.Bytes.Length);

    /// <summary>Writes the files into a folder.</summary>
    public void WriteTo(string folder)
    {
        foreach (var (path, bytes) in Files)
        {
            var full = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllBytes(full, bytes);
        }
    }

    /// <summary>Writes the files and what they are for, so that <see cref="Load"/> reads them again.</summary>
    public void Save(string folder)
    {
        WriteTo(folder);
        File.WriteAllLines(Path.Combine(folder, Note), [Target, Base, Adapter]);
    }

    /// <summary>Reads a saved input.</summary>
    public static FuzzInput Load(string folder)
    {
        var lines = File.ReadAllLines(Path.Combine(folder, Note));
        return Of(lines[0], folder, lines[1], lines[2]);
    }

    /// <summary>All files of a folder.</summary>
    public static FuzzInput Of(string target, string folder, string from = "", string adapter = "") => new(
        target,
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file))
            .Where(path => path != Note && IsInput(path))
            .Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllBytes(Path.Combine(folder, path))))],
        from,
        adapter);

    // Truths and reports lie beside the inputs of a golden case.
    private static bool IsInput(string path) =>
        !Path.GetFileName(path).StartsWith("truth", StringComparison.Ordinal) &&
        Path.GetFileName(path) is not ("merged.safetensors" or "case.json" or "README.md");
}
