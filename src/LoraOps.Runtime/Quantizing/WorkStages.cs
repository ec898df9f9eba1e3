namespace LoraOps.Runtime.Quantizing;

/// <summary>Where long work tells what it is doing.</summary>
/// <param name="Begin">A stage begins: its name, for people, and up to where <paramref name="Reach"/> will count; 0 if nobody knows.</param>
/// <param name="Reach">So many steps of the stage are done.</param>
public sealed record WorkStages(Action<string, int> Begin, Action<int> Reach)
{
    /// <summary>Nobody listens.</summary>
    public static WorkStages Silent { get; } = new((_, _) => { }, _ => { });
}
