using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;

namespace LoraOps.Cli.Commands;

/// <summary>What there is to say of chips and their rules.</summary>
internal static class ChipSheet
{
    /// <summary>All chips, and which rule holds for which.</summary>
    public static Sheet Overview(IReadOnlyList<ChipProfile> chips) => new Sheet()
        .AddGrid(
            "chips",
            ["name", "vendor", "sdk", "activations", "weights", "bias", "opset", "description"],
            chips.Select(chip => new Cell[]
            {
                chip.Name, chip.Vendor, chip.Sdk, Activations(chip), Weights(chip), chip.Bias.ToString().ToLowerInvariant(), Opset(chip), chip.Description,
            }))
        .AddGrid("rules", ["id", "demand", "error for", "warning for"], ChipRules.All.Select(rule => new Cell[]
        {
            rule.Id, rule.Demand, ChipsWith(chips, rule.Id, Severity.Error), ChipsWith(chips, rule.Id, Severity.Warn),
        }));

    /// <summary>All of one chip.</summary>
    public static Sheet Page(ChipProfile chip)
    {
        var sheet = new Sheet()
            .Add("name", chip.Name)
            .Add("vendor", chip.Vendor)
            .Add("sdk", chip.Sdk)
            .Add("description", chip.Description)
            .Add("activations", Activations(chip))
            .Add("weights", Weights(chip))
            .Add("bias", chip.Bias.ToString().ToLowerInvariant())
            .Add("precisions", Cell.List(chip.Precisions.Select(precision => precision.Name())))
            .Add("opset", Opset(chip))
            .Add("max ir version", chip.MaxIrVersion)
            .Add("shapes", Shapes(chip))
            .Add("channels", Channels(chip))
            .Add("quantized operators", Cell.List(chip.WeightedOps))
            .Add("further operators", Cell.List(chip.QuantizedOps))
            .Add("hand off", Cell.List(chip.HandOff))
            .Add("target", Cell.List(chip.Target.Select(entry => $"{entry.Key} {entry.Value}")));
        return sheet
            .AddGrid("elsewhere", ["operator", "where", "reason"], chip.FloatOps.Select(entry => new Cell[] { entry.Key, "float", entry.Value })
                .Concat(chip.HostOps.Select(entry => new Cell[] { entry.Key, "host", entry.Value })))
            .AddGrid("fixed ranges", ["operator", "min", "max"], chip.FixedRanges
                .Select(entry => new Cell[] { entry.Key, (double)entry.Value.Min, (double)entry.Value.Max }))
            .AddGrid("rules", ["id", "severity", "demand", "advice"], ChipRules.All
                .Where(rule => chip.Rules.ContainsKey(rule.Id))
                .Select(rule => new Cell[] { rule.Id, Show(chip.Rules[rule.Id]), rule.Demand, rule.Advice }))
            .AddNotes("gates", chip.Gates)
            .AddNotes("compile", chip.Compile);
    }

    /// <summary>Rules that were not checked, a line for each reason.</summary>
    public static IEnumerable<string> NotChecked(IEnumerable<UncheckedRule> rules) => rules
        .GroupBy(rule => rule.Why, StringComparer.Ordinal)
        .Select(group => $"{string.Join(", ", group.Select(rule => rule.RuleId))}: {group.Key}");

    /// <summary>A severity in its colour.</summary>
    public static Cell Show(Severity severity) => new Cell(severity.ToString().ToLowerInvariant(), severity.ToString().ToLowerInvariant())
    {
        Tone = severity == Severity.Error ? Tone.Bad : Tone.Odd,
    };

    private static Cell ChipsWith(IReadOnlyList<ChipProfile> chips, string rule, Severity severity) => Cell.List(
        chips.Where(chip => chip.Rules.TryGetValue(rule, out var found) && found == severity).Select(chip => chip.Name));

    private static string Activations(ChipProfile chip) =>
        $"{chip.Activations.Type.ToString().ToLowerInvariant()} {(chip.Activations.Symmetric ? "symmetric" : "asymmetric")}";

    private static string Weights(ChipProfile chip)
    {
        var isForAll = chip.Weights.PerChannel && chip.WeightedOps.All(chip.Weights.IsPerChannel);
        var granularity = isForAll ? "per channel"
            : chip.Weights.PerChannel ? $"per channel for {string.Join(" and ", chip.Weights.PerChannelOps)}"
            : "per tensor";
        return $"int8 {granularity}{(chip.Weights.ReducedRange ? ", 7 bits" : "")}";
    }

    private static string Opset(ChipProfile chip) => FormattableString.Invariant($"{chip.Opset.Min}–{chip.Opset.Max}");

    private static string Shapes(ChipProfile chip)
    {
        if (chip.Shapes is not { } limits)
            return "any";

        var parts = new[]
        {
            limits.Static ? "fixed" : null,
            limits.LayerRank is { } wanted ? $"layers read {wanted} dimensions" : null,
            limits.MaxRank is { } rank ? $"at most {rank} dimensions" : null,
            limits.MaxDim is { } size ? $"dimensions to {size}" : null,
            limits.MaxBatch is { } batch ? $"batches to {batch}" : null,
        };
        return string.Join(", ", parts.Where(part => part is not null));
    }

    private static string Channels(ChipProfile chip)
    {
        var best = chip.Alignment > 1 ? FormattableString.Invariant($"multiples of {chip.Alignment} fill the unit") : "any";
        return chip.MinChannels > 1 ? FormattableString.Invariant($"{best}; fewer than {chip.MinChannels} stay float") : best;
    }
}
