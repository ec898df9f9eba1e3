namespace LoraOps.Cli.Reports.BuildServers;

/// <summary>The build servers whose log understands more than text.</summary>
public enum BuildServerKind
{
    /// <summary>GitHub Actions: workflow commands, and a page for each step.</summary>
    GitHub,

    /// <summary>Azure Pipelines: logging commands.</summary>
    Azure,

    /// <summary>TeamCity: service messages.</summary>
    TeamCity,
}

/// <summary>The build server that runs the command.</summary>
/// <param name="Kind">Which it is.</param>
/// <param name="Root">The checkout, to which its paths are relative; null if it does not say.</param>
/// <param name="Summary">The file that takes Markdown for people; null if it has none.</param>
public sealed record BuildServer(BuildServerKind Kind, string? Root, string? Summary)
{
    /// <summary>Asks the environment; null outside of the servers that have a tongue of their own.</summary>
    /// <param name="variable">Gives the value of an environment variable, or null.</param>
    public static BuildServer? Detect(Func<string, string?> variable)
    {
        if (IsSet("GITHUB_ACTIONS"))
            return new(BuildServerKind.GitHub, Text("GITHUB_WORKSPACE"), Text("GITHUB_STEP_SUMMARY"));

        if (IsSet("TF_BUILD"))
            return new(BuildServerKind.Azure, Text("BUILD_SOURCESDIRECTORY"), null);

        return Text("TEAMCITY_VERSION") is null ? null : new(BuildServerKind.TeamCity, null, null);

        string? Text(string name) => variable(name) is { Length: > 0 } value ? value : null;
        bool IsSet(string name) => string.Equals(variable(name), "true", StringComparison.OrdinalIgnoreCase);
    }
}
