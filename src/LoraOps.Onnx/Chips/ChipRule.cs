namespace LoraOps.Onnx.Chips;

/// <summary>What a rule looks at beside the model.</summary>
public enum RuleSubject
{
    /// <summary>Nothing else.</summary>
    Model,

    /// <summary>The model as the runtime rewrote it.</summary>
    OptimizedModel,

    /// <summary>TensorRT's calibration cache.</summary>
    CalibrationCache,

    /// <summary>An AIPP configuration: how an Ascend device prepares images.</summary>
    AippConfig,

    /// <summary>Horizon's build configuration.</summary>
    BuildConfig,

    /// <summary>Horizon's types of operators and nodes.</summary>
    QuantConfig,

    /// <summary>AIMET's encodings.</summary>
    Encodings,
}

/// <summary>One thing that must hold in a finished model. What it holds for is the profile's choice.</summary>
/// <param name="Id">The stable name, for example <c>TRT-01</c>.</param>
/// <param name="Demand">What must hold: a sentence without its full stop.</param>
/// <param name="Advice">What to do about a breach: a whole sentence.</param>
/// <param name="Breaches">Looks for places where it does not hold.</param>
public sealed record ChipRule(string Id, string Demand, string Advice, Func<RuleScope, IEnumerable<Breach>> Breaches)
{
    /// <summary>What must be there for the rule to be checked at all.</summary>
    public RuleSubject Needs { get; init; } = RuleSubject.Model;
}

/// <summary>A place where a rule does not hold.</summary>
/// <param name="Where">The node or tensor.</param>
/// <param name="What">What was found.</param>
public readonly record struct Breach(string Where, string What)
{
    /// <summary>True if the chip runs the model all the same, so that it is a warning even where the rule is an error.</summary>
    public bool IsMinor { get; init; }
}

/// <summary>A rule that was not checked.</summary>
/// <param name="RuleId">The rule.</param>
/// <param name="Why">What was not there: half a sentence.</param>
public sealed record UncheckedRule(string RuleId, string Why);
