namespace LoraOps.Runtime.Routing;

/// <summary>An adapter's part of the requests that a rule matches.</summary>
/// <param name="Adapter">The adapter's id.</param>
/// <param name="Hundredths">Hundredths of a percent; those of a rule add up to <see cref="Whole"/>.</param>
public sealed record RouteShare(string Adapter, int Hundredths)
{
    /// <summary>All requests.</summary>
    public const int Whole = 10_000;
}
