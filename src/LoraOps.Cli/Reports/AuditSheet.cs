using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;

namespace LoraOps.Cli.Reports;

/// <summary>What was looked at beside the outputs: the chip's rules, the kernels, the files.</summary>
internal static class AuditSheet
{
    /// <summary>Adds it.</summary>
    public static Sheet AddTo(Sheet sheet, ParityProof proof)
    {
        if (proof.Chip is { } audit)
        {
            sheet.Add("chip", audit.Chip.Name)
                .AddGrid("findings", ["id", "severity", "where", "what", "advice"], audit.Findings.Select(Row))
                .AddGrid("not checked", ["id", "why"], audit.Unchecked.Select(rule => new Cell[] { rule.RuleId, rule.Why }), detail: true);
        }

        if (proof.Kernels is { } kernels)
        {
            sheet.AddGrid("kernels", ["operator", "nodes"], kernels.Counts.Integer.Select(pair => new Cell[] { pair.Key, pair.Value })
                    .Append(["QuantizeLinear", kernels.Counts.Quantize])
                    .Append(["DequantizeLinear", kernels.Counts.Dequantize])
                    .Append(["float layers", kernels.Counts.FloatWeighted.Count]))
                .AddGrid(
                    "float layers", ["node", "operator", "why"], kernels.Floats.Select(layer => new Cell[] { layer.Node, layer.Op, layer.Why }), detail: true);
        }

        return sheet.AddGrid("files", ["role", "file", "sha256"], proof.Files.Select(file => new Cell[]
        {
            file.Role, file.Name, Cell.Digest(file.Sha256),
        }), detail: true);
    }

    private static Cell[] Row(Finding finding) =>
        [finding.RuleId, finding.Severity.ToString().ToLowerInvariant(), finding.Where, finding.What, finding.Advice];
}
