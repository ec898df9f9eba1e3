using System.Globalization;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.Chips;

/// <content>Shapes that a device wants to know when the model is compiled.</content>
public static partial class ChipRules
{
    private static readonly string[] OpsOfOpenShapes = ["NonZero", "NonMaxSuppression", "Unique", "Compress"];

    internal static ChipRule AscendShapes => new(
        "ASC-02",
        "Shapes are fixed, or the batch has declared gears",
        "Export the model with fixed dimensions; declare batches as target.gears, at most 100 numbers up to 2048.",
        scope => Gears(scope) is { } gears ? GearBreaches(scope, gears) : OpenShapes(scope));

    internal static ChipRule HorizonShapes => new(
        "HZN-02",
        "Shapes are fixed, within the device's limits, and of the rank that its layers read",
        "Export the model with fixed dimensions, and give layers tensors of the wanted rank.",
        scope => OpenShapes(scope).Concat(TooLarge(scope)).Concat(LayerRanks(scope)));

    internal static ChipRule QnnShapes => new(
        "QNN-01",
        "Shapes are fixed, of at most 5 dimensions and 4 at normalisations",
        "Export the model with fixed dimensions, and fold some of those that are too many.",
        scope => OpenShapes(scope).Concat(TooLarge(scope)).Concat(scope
            .Nodes("LayerNormalization", "RMSNormalization", "InstanceNormalization", "BatchNormalization")
            .Where(node => RankOf(scope, node.Input[0]) > 4)
            .Select(node => new Breach(RuleScope.NameOf(node), $"normalises a tensor of {RankOf(scope, node.Input[0])} dimensions, 4 are allowed"))));

    // The batch is fixed by the compile command, so that it stays free in the file; nobody can guess the others.
    private static IEnumerable<Breach> OpenShapes(RuleScope scope)
    {
        foreach (var open in scope.Shapes.Open)
        {
            var symbol = open.Symbol.Length > 0 ? $"'{open.Symbol}'" : "unnamed";
            yield return new Breach($"input '{open.Input}'", string.Create(
                CultureInfo.InvariantCulture, $"leaves dimension {open.Axis} ({symbol}) open"))
            {
                IsMinor = open.Axis == 0,
            };
        }

        foreach (var input in scope.Shapes.Shapeless)
            yield return new Breach($"input '{input}'", "has no shape");

        foreach (var node in scope.Nodes(OpsOfOpenShapes))
            yield return new Breach(RuleScope.NameOf(node), $"({node.OpType}) gives a shape that depends on values");
    }

    private static IEnumerable<Breach> TooLarge(RuleScope scope)
    {
        if (scope.Chip.Shapes is not { } limits)
            yield break;

        foreach (var (name, dims) in scope.Shapes.All)
        {
            if (dims.Count > limits.MaxRank)
                yield return new Breach($"value '{name}'", $"has {dims.Count} dimensions, {limits.MaxRank} are allowed");

            if (dims.Count > 0 && dims[0] > (limits.MaxBatch ?? limits.MaxDim))
                yield return new Breach($"value '{name}'", $"has a batch of {dims[0]}, {limits.MaxBatch ?? limits.MaxDim} are allowed");

            if (dims.Skip(1).DefaultIfEmpty().Max() is var largest && largest > limits.MaxDim)
                yield return new Breach($"value '{name}'", $"has a dimension of {largest}, {limits.MaxDim} are allowed");
        }
    }

    private static IEnumerable<Breach> LayerRanks(RuleScope scope) => scope.Weighted
        .Where(node => scope.Chip.Shapes?.LayerRank is { } wanted && RankOf(scope, node.Input[0]) is { } rank && rank != wanted)
        .Select(node => new Breach(
            RuleScope.NameOf(node), $"({node.OpType}) reads {RankOf(scope, node.Input[0])} dimensions, the unit {scope.Chip.Shapes?.LayerRank}")
        {
            IsMinor = true,
        });

    private static int? RankOf(RuleScope scope, string value) =>
        (scope.Dequantizer(value) is { } pair && scope.Index.Producer(pair.Input[0]) is { } quantizer
            ? scope.Shapes.Find(quantizer.Input[0]) ?? scope.Shapes.Find(value)
            : scope.Shapes.Find(value))?.Count;

    private static string[]? Gears(RuleScope scope) =>
        scope.Chip.Target.GetValueOrDefault("gears") is { } gears ? gears.Split(',', StringSplitOptions.TrimEntries) : null;

    private static IEnumerable<Breach> GearBreaches(RuleScope scope, string[] gears)
    {
        const int MaxGears = 100;
        const int MaxGear = 2048;
        if (gears.Length > MaxGears)
            yield return new Breach("the profile", $"declares {gears.Length} gears, {MaxGears} are allowed");

        foreach (var gear in gears.Where(gear =>
            !long.TryParse(gear, NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size is < 1 or > MaxGear))
            yield return new Breach("the profile", $"declares the gear '{gear}', allowed are 1 to {MaxGear}");

        foreach (var breach in OpenShapes(scope).Where(breach => !breach.IsMinor))
            yield return breach;
    }
}
