namespace LoraOps.Cli.Tests.Reports;

/// <summary>A test that needs Chromium: LORAOPS_BROWSER names its program, else it is looked for on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"];

    /// <summary>Where this machine's browser is; null if it has none.</summary>
    public static string? Browser { get; } = Find();

    public BrowserFactAttribute()
    {
        if (Browser is null)
            Skip = "This machine has no Chromium: install the package chromium, or name a program in LORAOPS_BROWSER.";
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("LORAOPS_BROWSER") is { Length: > 0 } named)
            return named;

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string[] endings = OperatingSystem.IsWindows() ? [".exe"] : [""];
        return (from folder in folders
                from name in Names
                from ending in endings
                let path = Path.Combine(folder, name + ending)
                where File.Exists(path)
                select path).FirstOrDefault();
    }
}
