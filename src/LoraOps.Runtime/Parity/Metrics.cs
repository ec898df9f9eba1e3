namespace LoraOps.Runtime.Parity;

/// <summary>One thing that is measured and that a gate may limit.</summary>
/// <param name="Name">Its name in gates and reports.</param>
/// <param name="What">What it says, in a few words.</param>
/// <param name="Read">Its value in a report, one for each output that it applies to; empty if it was not measured.</param>
public sealed record Metric(string Name, string What, Func<ParityReport, IEnumerable<(string Output, double Value)>> Read);

/// <summary>Every metric; the one list that gates, reports and help read.</summary>
public static class Metrics
{
    /// <summary>The metric that tells whether an adapter is buried in a layer's rounding.</summary>
    public const string DeltaCosine = "delta-cosine";

    /// <summary>The metric that tells whether it still does the same to the outputs.</summary>
    public const string EffectCosine = "effect-cosine";

    /// <summary>The metric that tells whether it still does as much.</summary>
    public const string EffectRatio = "effect-ratio";

    /// <summary>All metrics in the order of reports.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        OfOutput("cosine", "cosine between candidate and reference over all values", output => output.Cosine),
        OfOutput("worst-cosine", "the smallest cosine of a single sample", output => output.WorstCosine),
        OfOutput("sqnr", "signal to quantization noise in dB: 20 log10(|reference| / |reference - candidate|)", output => output.Sqnr),
        OfOutput("max-abs", "the largest absolute difference", output => output.MaxAbs),
        OfOutput("mean-abs", "the mean absolute difference", output => output.MeanAbs),
        OfOutput("norm-ratio", "|candidate| / |reference|", output => output.NormRatio),
        OfOutput("kl", "mean KL(reference || candidate) in nats of the softmax over the last axis", output => output.Kl),
        OfOutput("top1", "share of rows whose largest value is at the same place, 0 to 1", output => output.Top1),
        OfTask("accuracy", "share of labels that the candidate meets, 0 to 1", task => task.Candidate),
        OfTask("reference-accuracy", "share of labels that the reference meets, 0 to 1", task => task.Reference),
        OfTask("accuracy-drop", "reference accuracy minus accuracy, in percentage points", task => task.Drop),
        new(DeltaCosine, "what INT8 leaves of the adapter's change of a weight, cos(dQ, dW): the smallest of any layer", report =>
            report.Survival?.Modules.MinBy(module => double.IsNaN(module.DeltaCosine) ? double.NegativeInfinity : module.DeltaCosine) is { } module
                ? [(module.Module, module.DeltaCosine)]
                : []),
        new(EffectCosine, "cosine between the adapter's effect on the outputs in the candidate and in the reference", report =>
            report.Survival?.Effects.Select(effect => (effect.Output, effect.Cosine)) ?? []),
        new(EffectRatio, "|effect in the candidate| / |effect in the reference|", report =>
            report.Survival?.Effects.Select(effect => (effect.Output, effect.Ratio)) ?? []),
    ];

    /// <summary>True for a metric of what is left of an adapter.</summary>
    public static bool IsOfSurvival(string name) => name is DeltaCosine or EffectCosine or EffectRatio;

    /// <summary>The metric of this name, or null.</summary>
    public static Metric? Find(string name) => All.FirstOrDefault(metric => metric.Name == name);

    private static Metric OfOutput(string name, string what, Func<OutputParity, double?> value) => new(name, what, report =>
        report.Outputs.Select(output => (output.Name, Value: value(output)))
            .Where(pair => pair.Value is not null)
            .Select(pair => (pair.Name, pair.Value.GetValueOrDefault())));

    private static Metric OfTask(string name, string what, Func<TaskAccuracy, double> value) => new(name, what, report =>
        report.Accuracy is { } task ? [(task.Output, value(task))] : []);
}
