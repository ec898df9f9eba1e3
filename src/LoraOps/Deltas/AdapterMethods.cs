using System.Collections.Frozen;

namespace LoraOps.Deltas;

/// <summary>The methods of PEFT: those that are read, and those that are refused with the reason.</summary>
public static class AdapterMethods
{
    private const string NoReference = "LoraOps has no reference for the arithmetic of its weight change";
    private const string NotWeights = "it is not a change of weights but trained input or attention, which no base weight can hold";
    private const string Routed = "its effect depends on the input, so no fixed weight can hold it";

    /// <summary>The methods that are read; the first that claims a module reads it.</summary>
    public static IReadOnlyList<AdapterMethod> All { get; } =
    [
        new TokenRowsMethod(), new LoraTokenRowsMethod(), new ExpertsMethod(), new BlockLoraMethod(), new QaLoraMethod(), new KasaMethod(),
        new DoraMethod(), new LoraMethod(), new AdaLoraMethod(), new BeftMethod(), new NormTuningMethod(),
        new Ia3Method(), new LohaMethod(), new LokrMethod(), new VeraMethod(), new PveraMethod(), new VbloraMethod(), new RandLoraMethod(),
        new DeloraMethod(), new GraloraMethod(), new HiraMethod(), new GloraMethod(), new C3aMethod(), new ShiraMethod(),
        new FourierFtMethod(), new WaveFtMethod(),
        new OftMethod(), new BoftMethod(), new HraMethod(), new MissMethod(), new BoneMethod(), new RoadMethod(),
    ];

    /// <summary>Every other peft_type, with the reason why it is refused.</summary>
    public static FrozenDictionary<string, string> Refused { get; } = new Dictionary<string, string>
    {
        ["ADAMSS"] = NoReference,
        ["ADAPTION_PROMPT"] = NotWeights,
        ["CARTRIDGE"] = NotWeights,
        ["CPT"] = NotWeights,
        ["DEFT"] = NoReference,
        ["FROD"] = NoReference,
        ["LILY"] = Routed,
        ["MULTITASK_PROMPT_TUNING"] = NotWeights,
        ["OSF"] = NoReference,
        ["PEANUT"] = NoReference,
        ["POLY"] = Routed,
        ["PREFIX_TUNING"] = NotWeights,
        ["PROMPT_TUNING"] = NotWeights,
        ["PSOFT"] = NoReference,
        ["P_TUNING"] = NotWeights,
        ["SUPERTUNING"] = NoReference,
        ["TINYLORA"] = NoReference,
        ["UNILORA"] = NoReference,
        ["XLORA"] = Routed,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The parameter names that some method consumes.</summary>
    public static FrozenSet<string> Parts { get; } = All
        .SelectMany(method => method.Parts.Concat(method.SharedParts).Concat(method.TrainingParts.Select(training => training.Part)))
        .Select(part => part.Split('.')[0])
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>What follows the dot in the names of parts that have one (<c>glora_A.X</c>): no adapter is called so.</summary>
    public static FrozenSet<string> Members { get; } = All
        .SelectMany(method => method.Parts)
        .Where(part => part.Contains('.', StringComparison.Ordinal))
        .Select(part => part.Split('.')[1])
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The methods of a peft_type, in their order; none if it is not read.</summary>
    public static IEnumerable<AdapterMethod> Of(string peftType) => All.Where(method => method.PeftType == peftType);
}
