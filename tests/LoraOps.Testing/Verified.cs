using System.Runtime.CompilerServices;

namespace LoraOps.Testing;

/// <summary>
/// Texts that people agreed on: <c>CLASS.NAME.verified.txt</c> beside the test. On a difference the new text is left in
/// <c>….received.txt</c>; accept it by renaming. The convention is Verify's, so that it can be swapped in.
/// </summary>
public static class Verified
{
    /// <summary>Fails unless the text is the verified one.</summary>
    /// <param name="text">What the code says now.</param>
    /// <param name="name">Tells the texts of one test class apart.</param>
    /// <param name="testFile">Filled in by the compiler.</param>
    public static void Text(string text, string name, [CallerFilePath] string testFile = "")
    {
        var stem = $"{Path.Combine(Path.GetDirectoryName(testFile)!, Path.GetFileNameWithoutExtension(testFile))}.{name}";
        var received = stem + ".received.txt";
        var expected = File.Exists(stem + ".verified.txt") ? File.ReadAllText(stem + ".verified.txt") : null;
        if (Normal(text) == (expected is null ? null : Normal(expected)))
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, Normal(text));
        throw new InvalidOperationException($"The text differs from {Path.GetFileName(stem)}.verified.txt; compare it with {received}:\n{text}");
    }

    private static string Normal(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
}
