using LoraOps.Problems;
using LoraOps.Readers;

namespace LoraOps.Runtime.Routing;

/// <summary>
/// Which adapter a request gets: the first rule that matches its attributes says. A rule may share its requests out by percentages (A/B);
/// the same key always gets the same adapter, in every process and on every machine (<see cref="RouteRule.Bucket"/>). As JSON:
/// <code>
/// { "rules": [ { "name": "trial", "when": { "city": "shanghai" }, "use": { "shanghai@2": 10, "shanghai@1": 90 } },
///              { "when": { "city": "guang*", "user": "*" }, "use": "guangzhou" } ],
///   "fallback": "base" }
/// </code>
/// </summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Rules">The rules in order.</param>
/// <param name="Fallback">The adapter of requests that no rule matches; null makes them an error.</param>
public sealed record RouteTable(string Path, IReadOnlyList<RouteRule> Rules, string? Fallback)
{
    private const long MostBytes = 1 << 20;
    private const int MostAttributes = 8;

    /// <summary>Reads a table.</summary>
    /// <exception cref="LoraOpsException">The file is missing, longer than 1 MiB or no table, or percentages do not add up to 100.</exception>
    public static RouteTable Read(string path) => new RouteReader(path).Read(
        InputFile.ReadAll(path, MostBytes, length => RouteProblems.Invalid(path, $"is {length} bytes long, more than {MostBytes}")));

    /// <summary>The adapter of a request.</summary>
    /// <param name="key">Who stays with an adapter: a user, a vehicle, a session.</param>
    /// <param name="attributes">What rules look at.</param>
    /// <exception cref="LoraOpsException">No rule matches, and there is no fallback.</exception>
    public string Route(string key, IReadOnlyDictionary<string, string> attributes)
    {
        foreach (var rule in Rules)
        {
            if (rule.Matches(attributes))
                return rule.Choose(key);
        }

        return Fallback ?? throw new LoraOpsException(RouteProblems.Missing(Path, Words(attributes)));
    }

    /// <summary>Everything that leads to an adapter that there is not.</summary>
    /// <param name="known">The ids that there are; the base need not be among them.</param>
    public IReadOnlyList<Problem> Check(IEnumerable<string> known)
    {
        var ids = known.Append(Adapters.AdapterManager.BaseId).ToHashSet(StringComparer.Ordinal);
        var targets = Rules.SelectMany(rule => rule.Shares.Select(share => (rule.Name, share.Adapter)));
        if (Fallback is not null)
            targets = targets.Append(("the fallback", Fallback));

        return
        [
            .. targets.Where(target => !ids.Contains(target.Item2))
                .Select(target => RouteProblems.TargetUnknown(Path, target.Item1, target.Item2, NearMisses.Phrase(target.Item2, ids))),
        ];
    }

    private static string Words(IReadOnlyDictionary<string, string> attributes) => attributes.Count == 0
        ? "no attributes"
        : string.Join(", ", attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Take(MostAttributes).Select(pair => $"{pair.Key} = '{pair.Value}'"));
}
