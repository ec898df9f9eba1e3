namespace LoraOps.Onnx.Chips;

/// <summary>One thing that must hold in a finished model. What it holds for is the profile's choice.</summary>
/// <param name="Id">The stable name, for example <c>TRT-01</c>.</param>
/// <param name="Demand">What must hold: a sentence without its full stop.</param>
/// <param name="Advice">What to do about a breach: a whole sentence.</param>
/// <param name="Breaches">Looks for places where it does not hold.</param>
public sealed record ChipRule(string Id, string Demand, string Advice, Func<RuleScope, IEnumerable<Breach>> Breaches);

/// <summary>A place where a rule does not hold.</summary>
/// <param name="Where">The node or tensor.</param>
/// <param name="What">What was found.</param>
public readonly record struct Breach(string Where, string What);
