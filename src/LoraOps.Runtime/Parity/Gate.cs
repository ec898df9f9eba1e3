using System.Globalization;
using LoraOps.Problems;

namespace LoraOps.Runtime.Parity;

/// <summary>A limit on a metric, written like <c>cosine&gt;=0.999</c>.</summary>
/// <param name="Metric">A name of <see cref="Metrics"/>.</param>
/// <param name="Operator">&gt;=, &lt;=, &gt; or &lt;.</param>
/// <param name="Limit">In the metric's own unit.</param>
public sealed record Gate(string Metric, string Operator, double Limit)
{
    private static readonly string[] Operators = [">=", "<=", ">", "<"];

    /// <summary>Reads a gate.</summary>
    /// <exception cref="LoraOpsException">It has another form, or names no known metric.</exception>
    public static Gate Parse(string text)
    {
        var sign = Array.Find(Operators, candidate => text.Contains(candidate, StringComparison.Ordinal))
            ?? throw new LoraOpsException(GateProblems.Invalid(text, "has no operator"));
        var at = text.IndexOf(sign, StringComparison.Ordinal);
        var metric = text[..at].Trim();
        var number = text[(at + sign.Length)..].Trim();
        if (Metrics.Find(metric) is null)
        {
            var known = Metrics.All.Select(one => one.Name).ToList();
            throw new LoraOpsException(GateProblems.Invalid(
                text, $"names no metric that is measured: known are {string.Join(", ", known)}{NearMisses.Phrase(metric, known)}"));
        }

        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var limit) && double.IsFinite(limit)
            ? new Gate(metric, sign, limit)
            : throw new LoraOpsException(GateProblems.Invalid(text, $"has the limit '{number}', which is no number"));
    }

    /// <summary>Judges the worst output of a report.</summary>
    /// <exception cref="LoraOpsException">The report does not hold the metric: a gate is never passed unmeasured.</exception>
    public GateResult Judge(ParityReport report)
    {
        var metric = Metrics.Find(Metric) ?? throw new InvalidOperationException($"'{Metric}' is no metric.");
        var measured = metric.Read(report).Concat(report.Parts.SelectMany(part => Read(metric, part))).ToList();
        if (measured.Count == 0)
        {
            var reason = Metrics.IsOfSurvival(Metric) ? "nothing tells the adapter's own change: give the models without it"
                : report.Accuracy is null && metric.Name.Contains("accuracy", StringComparison.Ordinal)
                    ? "there are no labels"
                    : "no output has classes on its last axis";
            throw new LoraOpsException(GateProblems.Unmeasured(report.Candidate, ToString(), reason));
        }

        // Positive is missed; a NaN on any output must win over every number.
        var worst = measured.MaxBy(pair => double.IsNaN(Miss(pair.Value)) ? double.PositiveInfinity : Miss(pair.Value));
        return new GateResult(this, worst.Output, worst.Value, Passes(worst.Value), Miss(worst.Value));
    }

    // The whole may hide what one adapter does.
    private static IEnumerable<(string Output, double Value)> Read(Metric metric, ParityReport part) =>
        metric.Read(part).Select(pair => ($"{pair.Output} of {(part.Domain.Length > 0 ? part.Domain : part.Adapter)}", pair.Value));

    /// <summary>As it is written.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Metric}{Operator}{Limit}");

    private double Miss(double value) => Operator[0] == '>' ? Limit - value : value - Limit;

    // Every comparison with NaN is false, so a NaN never passes.
    private bool Passes(double value) => Operator switch
    {
        ">=" => value >= Limit,
        "<=" => value <= Limit,
        ">" => value > Limit,
        _ => value < Limit,
    };
}

/// <summary>A gate held against a report.</summary>
/// <param name="Gate">The gate.</param>
/// <param name="Output">The output that is farthest on the wrong side.</param>
/// <param name="Measured">Its value; may be NaN.</param>
/// <param name="Passed">True if the value is on the right side.</param>
/// <param name="MissedBy">How far beyond the limit, in the metric's unit; negative is room to spare.</param>
public sealed record GateResult(Gate Gate, string Output, double Measured, bool Passed, double MissedBy)
{
    /// <summary>Judges every gate.</summary>
    /// <exception cref="LoraOpsException">A gate's metric was not measured; all such gates are named.</exception>
    public static IReadOnlyList<GateResult> Judge(IReadOnlyList<Gate> gates, ParityReport report)
    {
        var results = new List<GateResult>();
        var problems = new List<Problem>();
        foreach (var gate in gates)
        {
            try
            {
                results.Add(gate.Judge(report));
            }
            catch (LoraOpsException unmeasured)
            {
                problems.AddRange(unmeasured.Problems);
            }
        }

        return problems.Count == 0 ? results : throw new LoraOpsException(problems);
    }

    /// <summary>
    /// The gate that nobody needs to set, if it was missed: where the reference is finite the candidate must be. None if another one that
    /// was missed says so already.
    /// </summary>
    public static IReadOnlyList<GateResult> Unset(ParityReport report, IReadOnlyList<GateResult> results) =>
        results.All(result => result.Passed) && report.Outputs.FirstOrDefault(output => output.Broken > 0) is { } broken
            ? [new GateResult(new Gate("max-abs", "<", double.PositiveInfinity), broken.Name, broken.MaxAbs, false, double.NaN)]
            : [];

    /// <summary>The problem of a gate that was missed, or null.</summary>
    public Problem? Problem(string candidate) => Passed
        ? null
        : Metrics.IsOfSurvival(Gate.Metric) ? SurvivalProblems.AdapterBuried(candidate, Gate.ToString(), $"'{Output}'", Gate.Metric, Measured)
        : GateProblems.Missed(candidate, Gate.ToString(), $"{Gate.Metric} of '{Output}'", Measured, MissedBy);
}
