namespace LoraOps.House.Tests;

/// <summary>A rule about one file: what breaks it, each with file and line.</summary>
internal delegate IEnumerable<string> Rule(SourceFile file);

/// <summary>How a rule is held: it must catch its sample, then find nothing in the house.</summary>
internal static class Rules
{
    /// <summary>Proves that <paramref name="rule"/> catches <paramref name="sample"/>, then that no file breaks it.</summary>
    public static void Hold(IEnumerable<SourceFile> files, Rule rule, string sample, string path = "src/LoraOps/Sample.cs")
    {
        Assert.NotEmpty(rule(new SourceFile(path, sample)));
        Empty(files.SelectMany(file => rule(file)));
    }

    /// <summary>Fails with one line for each finding.</summary>
    public static void Empty(IEnumerable<string> findings)
    {
        var all = findings.ToList();
        Assert.True(all.Count == 0, $"{all.Count} found:\n{string.Join('\n', all)}");
    }
}
