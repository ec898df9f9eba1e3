namespace LoraOps.Bundles;

/// <summary>A path inside a bundle: plain names joined by <c>/</c>, the same on every system, never out of the folder.</summary>
internal static class BundlePath
{
    /// <summary>How deep folders may lie in each other.</summary>
    public const int MaxDepth = 8;

    private const int MaxNameLength = 200;

    /// <summary>Why the path cannot be used, or null.</summary>
    public static string? Fault(string path)
    {
        var parts = path.Split('/');
        if (parts.Length > MaxDepth)
            return $"the path '{path}' is deeper than {MaxDepth} folders";

        return parts.Any(part => !IsPlain(part)) ? $"the path '{path}' is not made of plain names inside the bundle" : null;
    }

    // sha256sum escapes a backslash or a newline, Windows refuses the rest: such names are no use in a shipment.
    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= MaxNameLength && name is not ("." or "..") && name[^1] is not (' ' or '.') && name[0] != ' '
        && !name.Any(c => char.IsControl(c) || char.IsSurrogate(c) || c == '\uFFFD' || "\\:*?\"<>|".Contains(c, StringComparison.Ordinal));
}
