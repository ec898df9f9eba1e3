namespace LoraOps.Runtime.Routing;

/// <summary>What a rule wants of one attribute of a request.</summary>
/// <param name="Attribute">The attribute's name; capitals count.</param>
/// <param name="Pattern">A value; or the beginning of a value and a star; or a star alone for any value. Capitals count.</param>
public sealed record RouteCondition(string Attribute, string Pattern)
{
    /// <summary>True if the request has the attribute and its value fits.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> attributes) =>
        attributes.TryGetValue(Attribute, out var value)
        && (Pattern.EndsWith('*') ? value.AsSpan().StartsWith(Pattern.AsSpan(..^1)) : value == Pattern);
}
