using System.Globalization;
using LoraOps.Adapters;

namespace LoraOps.Onnx.Branches;

/// <summary>
/// Chooses, for each node, between mixing the columns of all adapters (constant factors that ONNX Runtime packs once; idle columns are computed
/// and weighed with 0) and gathering each sample's own factors (no idle column, but a copy for each sample and thin products).
/// </summary>
/// <param name="samples">The batch to expect.</param>
/// <param name="positions">The positions of one sample, such as tokens, to expect.</param>
/// <param name="blends">True if samples may weigh several adapters: then nothing can be gathered.</param>
internal sealed class SwitchChoice(long samples, long positions, bool blends)
{
    // Measured with ONNX Runtime 1.29 on one AVX-512 core (LoraOps.Benchmarks --patterns); only their ratios matter.
    private const double PackedFlops = 75e9;
    private const double ThinFlops = 20e9;
    private const double BytesPerSecond = 10e9;

    /// <summary>True if the node's factors should be gathered.</summary>
    public bool IsGathered(SwitchNode node) => CanGather(node) && Gathered(node) < Mixed(node);

    /// <summary>The choice for people: what, and why.</summary>
    public string Reason(SwitchNode node)
    {
        var columns = node.Terms.Columns;
        if (!CanGather(node))
            return $"mixed: {columns} columns, {(blends ? "samples may weigh several adapters" : "only linear layers are gathered")}";

        var (mixed, gathered) = (Mixed(node), Gathered(node));
        var (chosen, slot) = (gathered < mixed ? "gathered" : "mixed", node.Terms.SlotRank);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{chosen}: {columns} columns mixed {1e6 * mixed:f0} us, {slot} gathered {1e6 * gathered:f0} us at {samples} x {positions}");
    }

    private bool CanGather(SwitchNode node) => !blends && node.Site.Layer == LayerKind.Linear && node.Sampled.Axis == 0;

    private double Mixed(SwitchNode node) => Cost(node, node.Terms.Columns, PackedFlops, 1);

    private double Gathered(SwitchNode node) => Cost(node, node.Terms.SlotRank, ThinFlops, 3 * samples);

    private double Cost(SwitchNode node, long columns, double flops, double copies)
    {
        var elements = (node.Site.Use.Shape[1] + node.Site.Outputs) * columns;
        return (2 * samples * positions * elements / flops) + (sizeof(float) * copies * elements / BytesPerSecond);
    }
}
