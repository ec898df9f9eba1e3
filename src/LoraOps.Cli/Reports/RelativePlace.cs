namespace LoraOps.Cli.Reports;

/// <summary>Where a file lies for people on other machines: below the folder that they know, or its name alone.</summary>
internal static class RelativePlace
{
    /// <summary>The path below a folder with slashes; of a file that lies elsewhere its name.</summary>
    /// <param name="path">The file, as the user named it.</param>
    /// <param name="root">The folder; null for the one that the command runs in.</param>
    public static string Of(string path, string? root = null)
    {
        if (path.Length == 0)
            return "";

        var relative = Path.GetRelativePath(Path.GetFullPath(root ?? "."), Path.GetFullPath(path)).Replace('\\', '/');
        return relative.Split('/')[0] == ".." || Path.IsPathRooted(relative) ? ReportText.FileName(path) : relative;
    }

    /// <summary>The same as a relative URI.</summary>
    public static string Uri(string path) => string.Join('/', Of(path).Split('/').Select(System.Uri.EscapeDataString));
}
