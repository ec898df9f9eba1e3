namespace LoraOps.Fuzz;

/// <summary>A temporary tree for one run: nothing but the output may appear in it, and the input must stay as it is.</summary>
internal sealed class Sandbox : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("loraops-fuzz-").FullName;

    public Sandbox()
    {
        Input = Path.Combine(_root, "a", "b", "in");
        Output = Path.Combine(_root, "a", "b", "out", "merged");
        Directory.CreateDirectory(Path.GetDirectoryName(Output)!);
    }

    /// <summary>The folder that inputs are written into.</summary>
    public string Input { get; }

    /// <summary>The path that a merge may write.</summary>
    public string Output { get; }

    /// <summary>Empties the tree and writes an input.</summary>
    public void Put(FuzzInput input)
    {
        if (Directory.Exists(Input))
            Directory.Delete(Input, recursive: true);

        if (Directory.Exists(Output))
            Directory.Delete(Output, recursive: true);

        Directory.CreateDirectory(Input);
        input.WriteTo(Input);
    }

    /// <summary>What lies in the tree and should not, or null.</summary>
    /// <param name="input">What was written.</param>
    /// <param name="mayWrite">True if the output may be there.</param>
    public string? Stray(FuzzInput input, bool mayWrite)
    {
        var expected = input.Files.Select(file => Path.GetFullPath(Path.Combine(Input, file.Path))).ToHashSet(StringComparer.Ordinal);
        return Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories)
            .FirstOrDefault(file => !expected.Contains(file) && !(mayWrite && file.StartsWith(Output + Path.DirectorySeparatorChar, StringComparison.Ordinal)));
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_root, recursive: true);
}
