using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Quantizing;

/// <summary>
/// Finds the fewest layers that must leave the cheapest precision for gates to pass. Layers are lifted in the order of their sensitivity,
/// in the cheapest precision with which the gates can pass at all; then each is taken back for which they pass without.
/// </summary>
internal sealed class PrecisionSearch(PrecisionTrial trial, PrecisionGoal goal, WorkStages stages, CancellationToken stop)
{
    /// <summary>Searches.</summary>
    /// <exception cref="LoraOpsException">The gates cannot pass, whatever is lifted; or one of them cannot be judged.</exception>
    public PrecisionChoice Run()
    {
        stages.Begin("holding the quantized model against its gates", 0);
        var plain = Judge([], default);
        if (plain.Passes)
        {
            var ranking = goal.RanksAll ? Scan() : [];
            return new PrecisionChoice([], ranking, plain.Report, plain.Results);
        }

        var (precision, best) = Reachable(plain);
        var layers = Scan();
        var lifted = Fewest([.. layers.Select(layer => layer.Node)], precision);
        return Pruned(lifted, layers, precision, best);
    }

    private IReadOnlyList<LayerSensitivity> Scan() => SensitivityScan.Run(trial, goal.Samples.First(goal.ScanSamples), stages, stop);

    // The cheapest precision with which the gates pass when everything is lifted.
    private (LayerPrecision Precision, Trial Trial) Reachable(Trial plain)
    {
        var last = plain;
        foreach (var precision in trial.Higher)
        {
            last = Judge(trial.Nodes, precision);
            if (last.Passes)
                return (precision, last);
        }

        throw new LoraOpsException([.. last.Results.Where(result => !result.Passed).Select(result => QuantizingProblems.GateOutOfReach(
            last.Report.Reference, result.Gate.ToString(), $"{result.Gate.Metric} of '{result.Output}'", result.Measured))]);
    }

    // More lifted layers are taken to be better, which the pruning afterwards does not rely on.
    private IReadOnlyList<string> Fewest(IReadOnlyList<string> ranked, LayerPrecision precision)
    {
        stages.Begin("looking for the fewest layers to lift", 0);
        var (few, many) = (1, 1);
        while (many < ranked.Count && !Judge([.. ranked.Take(many)], precision).Passes)
            (few, many) = (many + 1, Math.Min(ranked.Count, many * 2));

        while (few < many)
        {
            var middle = (few + many) / 2;
            if (Judge([.. ranked.Take(middle)], precision).Passes)
                many = middle;
            else
                few = middle + 1;
        }

        return [.. ranked.Take(many)];
    }

    // The least sensitive are tried first. A layer that is kept was needed at its turn, and taking others back never makes up for it:
    // what is taken back later is judged without it as well.
    private PrecisionChoice Pruned(
        IReadOnlyList<string> lifted, IReadOnlyList<LayerSensitivity> layers, LayerPrecision precision, Trial best)
    {
        stages.Begin($"checking that each of {lifted.Count} lifted layers is needed", lifted.Count);
        var kept = lifted.ToList();
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (node, at) in lifted.Reverse().Select((node, at) => (node, at)))
        {
            var without = Judge([.. kept.Where(other => other != node)], precision);
            if (without.Passes)
                (best, _) = (without, kept.Remove(node));
            else
                reasons[node] = without.Missed;

            stages.Reach(at + 1);
        }

        var final = kept.Count == lifted.Count ? Judge(kept, precision) : best;
        var order = trial.Nodes.Select((node, at) => (node, at)).ToDictionary(pair => pair.node, pair => pair.at, StringComparer.Ordinal);
        var sensitivity = layers.ToDictionary(layer => layer.Node, StringComparer.Ordinal);
        return new PrecisionChoice(
            [.. kept.OrderBy(node => order[node])
                .Select(node => new LiftedLayer(node, sensitivity[node].Op, precision, sensitivity[node].Sqnr, reasons[node]))],
            layers, final.Report, final.Results);
    }

    private Trial Judge(IReadOnlyCollection<string> lifted, LayerPrecision precision)
    {
        var report = trial.Measure(trial.With(lifted, precision), goal.Samples, new ParityOptions { Labels = goal.Labels }, stop);
        return new Trial(report, GateResult.Judge(goal.Gates, report));
    }

    private sealed record Trial(ParityReport Report, IReadOnlyList<GateResult> Results)
    {
        // A model that breaks on some sample passes no gate, whatever the gates ask.
        public bool Passes => Results.All(result => result.Passed) && Report.Outputs.All(output => output.Broken == 0);

        public string Missed => Results.FirstOrDefault(result => !result.Passed) is { } missed
            ? FormattableString.Invariant($"{missed.Gate.Metric} would be {missed.Measured:G5}")
            : "values would not be finite";
    }
}
