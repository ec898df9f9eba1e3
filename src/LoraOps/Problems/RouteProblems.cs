namespace LoraOps.Problems;

/// <summary>What can be wrong with a table of routes, or with a request that it should route.</summary>
public static class RouteProblems
{
    /// <summary><see cref="ProblemCode.RoutesInvalid"/></summary>
    public static Problem Invalid(string path, string reason) =>
        new(ProblemCode.RoutesInvalid, path, reason, "Correct the table: it has a list 'rules', and perhaps a 'fallback'.");

    /// <summary><see cref="ProblemCode.RouteSharesInvalid"/></summary>
    public static Problem SharesInvalid(string path, string rule, string found) =>
        new(ProblemCode.RouteSharesInvalid, path, $"{rule}: {found}; percentages are 0 to 100 with at most two decimals and add up to 100",
            "Correct the percentages.");

    /// <summary><see cref="ProblemCode.RouteMissing"/></summary>
    public static Problem Missing(string path, string request) =>
        new(ProblemCode.RouteMissing, path, $"no rule matches a request with {request}, and there is no fallback", "Add a rule or a fallback.");

    /// <summary><see cref="ProblemCode.RouteTargetUnknown"/></summary>
    public static Problem TargetUnknown(string path, string rule, string adapter, string nearest) =>
        new(ProblemCode.RouteTargetUnknown, path, $"{rule} leads to the adapter '{adapter}', which there is not{nearest}",
            "Load the adapter, or correct the table.");
}
