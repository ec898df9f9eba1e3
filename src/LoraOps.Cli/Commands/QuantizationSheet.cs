using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Cli.Commands;

/// <summary>What came of a quantization.</summary>
internal static class QuantizationSheet
{
    /// <summary>Adds layers, precisions and findings to what the command says of its own.</summary>
    public static Sheet Of(QuantizationOutcome outcome, Sheet sheet)
    {
        var quantization = outcome.Quantization;
        sheet.Add("quantized nodes", quantization.Nodes.Count(node => node.IsQuantized))
            .Add("float nodes", quantization.Nodes.Count(node => !node.IsQuantized));
        if (quantization.Operators.Count > 0)
            sheet.Add("quantized operators", quantization.Operators.Count);

        RecoverySheet.Add(sheet, outcome.Recovery);
        if (outcome.Choice is { } choice)
            Add(sheet, choice);

        return sheet
            .AddGrid("left in float", ["node", "operator", "reason"], quantization.Nodes
                .Where(node => !node.IsQuantized)
                .Select(node => new Cell[] { node.Node, node.Op, node.Reason }))
            .AddGrid(
                "quantized",
                ["node", "operator", "weight", "activation", "precision", "scale", "zero point"],
                quantization.Nodes.Where(node => node.IsQuantized).Select(Row),
                detail: true)
            .AddGrid("findings", ["id", "severity", "where", "what", "advice"], quantization.Findings.Select(finding => new Cell[]
            {
                finding.RuleId, finding.Severity.ToString().ToLowerInvariant(), finding.Where, finding.What, finding.Advice,
            }))
            .AddNotes("not checked", ChipSheet.NotChecked(quantization.NotChecked))
            .AddNotes("warnings", quantization.Warnings);
    }

    private static void Add(Sheet sheet, PrecisionChoice choice)
    {
        sheet.AddGrid("gates", ["gate", "output", "measured"], choice.Results
            .Select(result => new Cell[] { result.Gate.ToString(), result.Output, result.Measured }))
            .AddGrid("lifted", ["node", "operator", "precision", "alone", "without it"], choice.Lifted
            .Select(layer => new Cell[] { layer.Node, layer.Op, layer.Precision.Name(), Cell.Decibels(layer.Sqnr), layer.Without }))
            .AddGrid(
                "sensitivity",
                ["node", "operator", "alone"],
                choice.Layers.Select(layer => new Cell[] { layer.Node, layer.Op, Cell.Decibels(layer.Sqnr) }),
                detail: choice.Lifted.Count > 0);
    }

    private static Cell[] Row(QuantizedNode node) =>
        [node.Node, node.Op, node.Weight, node.Activation, node.Precision.Name(), (double)node.ActivationScale, node.ActivationZeroPoint];
}
