using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>What Horizon's toolchain asks of a model for Journey.</content>
public static partial class ChipRules
{
    private const long MaxReduced = 65535;

    private static readonly string[] TableOps =
    [
        "Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Reciprocal", "Erf", "Gelu", "Softplus", "HardSigmoid", "HardSwish", "Elu", "Selu", "Sin", "Cos",
        "Mish", "Pow",
    ];

    private static readonly string[] TailsOfLowPrecision =
        ["Relu", "Clip", "LeakyRelu", "PRelu", "Sigmoid", "HardSigmoid", "Tanh", "Softmax", "LogSoftmax", "Concat"];

    private static readonly Dictionary<string, int> CoresOfMarch = new(StringComparer.Ordinal)
    {
        ["bayes"] = 2,
        ["nash-b-lite"] = 1,
        ["nash-b"] = 1,
        ["nash-b-plus"] = 1,
        ["nash-e"] = 1,
        ["nash-m"] = 1,
        ["nash-h"] = 4,
        ["nash-p"] = 4,
    };

    /// <remarks>
    /// A quantized model of an opset that the compiler does not read is the twin that parity is measured on: scales per channel
    /// need opset 13, and what is compiled is the float model. So it is a warning there.
    /// </remarks>
    internal static ChipRule HorizonOpset => new(
        "HZN-01",
        "Opset and IR version are ones that the compiler reads",
        "Export the float model, which is what the compiler gets, with an opset in that range.",
        scope => Opset.Breaches(scope).Concat(IrVersion.Breaches(scope))
            .Select(breach => breach with { IsMinor = scope.QuantizationNodes.Any() && scope.Chip.Opset.Max < OpsetOfScalesPerChannel }));

    internal static ChipRule HorizonHost => new(
        "HZN-05",
        "All operators run on the BPU",
        "See in the compiler's report what each change of place costs, and replace these operators where it matters.",
        scope => Computing(scope).Where(node => scope.Chip.HostOps.ContainsKey(node.OpType))
            .GroupBy(node => node.OpType, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new Breach(group.Key, $"{scope.Chip.HostOps[group.Key]}: {Nodes(group.Count())}, {Islands(scope)}")));

    internal static ChipRule HorizonTables => new(
        "HZN-06",
        "Operators that look values up read int8 or int16, and no more than 65535 values are reduced at once",
        "Quantize this input to int8 or int16, or reduce in two steps.",
        scope => scope.Nodes(TableOps)
            .Where(node => scope.Dequantizer(node.Input[0]) is { } pair && CodesType(scope, pair) is not (DataType.Int8 or DataType.Int16))
            .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) reads {CodesType(scope, scope.Dequantizer(node.Input[0])!)}"))
            .Concat(scope.Model.Graph.Node.Where(node => ReducedSize(scope, node) > MaxReduced).Select(node => new Breach(
                RuleScope.NameOf(node), string.Create(CultureInfo.InvariantCulture, $"({node.OpType}) reduces {ReducedSize(scope, node)} values")))));

    internal static ChipRule HorizonMarch => new(
        "HZN-07",
        "The profile names a known march and a number of cores that it has",
        "Write target.march and target.coreNum as in the toolchain's manual.",
        scope =>
        {
            var march = scope.Chip.Target.GetValueOrDefault("march", "");
            if (!CoresOfMarch.TryGetValue(march, out var most))
                return [new Breach("the profile", $"names the march '{march}', known are {string.Join(", ", CoresOfMarch.Keys)}")];

            var cores = scope.Chip.Target.GetValueOrDefault("coreNum", "1");
            return int.TryParse(cores, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1 && count <= most
                ? []
                : [new Breach("the profile", $"asks for {cores} cores, {march} has 1 to {most}")];
        });

    internal static ChipRule HorizonTails => new(
        "HZN-09b",
        "An output that is wanted in high precision leaves a convolution or a product, not an activation or a concatenation",
        "Cut the graph behind the last layer and compute the rest on the host, or name the outputs that need it as target.preciseOutputs.",
        scope => Named(scope, "preciseOutputs", "*")
            .Where(output => scope.Source(output) is { } tail && tail.Is(TailsOfLowPrecision))
            .Select(output => new Breach($"output '{output}'", $"comes out of {RuleScope.NameOf(scope.Source(output)!)} ({scope.Source(output)!.OpType})")));

    // One run of nodes on the host between two on the unit is one island.
    private static string Islands(RuleScope scope) =>
        Parts(scope, node => scope.Chip.HostOps.ContainsKey(node.OpType)) is 1 ? "1 island" : FormattableString.Invariant(
            $"{Parts(scope, node => scope.Chip.HostOps.ContainsKey(node.OpType))} islands in all");

    private static long ReducedSize(RuleScope scope, NodeProto node)
    {
        if (!node.Is("Softmax", "LogSoftmax", "ArgMax", "ArgMin") && !node.OpType.StartsWith("Reduce", StringComparison.Ordinal))
            return 0;

        if (scope.Shapes.Find(node.InputAt(0)) is not { Count: > 0 } dims)
            return 0;

        var axes = node.Integers("axes").Concat((scope.Numbers(node.InputAt(1)) ?? []).Select(axis => (long)axis)).ToList();
        if (axes.Count == 0 && !node.OpType.StartsWith("Reduce", StringComparison.Ordinal))
            axes.Add(node.Integer("axis", node.OpType.StartsWith("Arg", StringComparison.Ordinal) ? 0 : -1));

        return (axes.Count == 0 ? dims : axes.Select(axis => axis < 0 ? axis + dims.Count : axis)
            .Where(axis => axis >= 0 && axis < dims.Count)
            .Select(axis => dims[(int)axis])).DefaultIfEmpty().Max();
    }

    private static IEnumerable<string> Named(RuleScope scope, string target, string missing)
    {
        var names = scope.Chip.Target.GetValueOrDefault(target, missing).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return scope.Model.Graph.Output.Select(output => output.Name).Where(output => names.Contains("*") || names.Contains(output));
    }
}
