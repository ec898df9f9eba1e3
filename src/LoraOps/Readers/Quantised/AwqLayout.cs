using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// AWQ's 4-bit linear layers in the format <c>gemm</c>: <c>M.qweight</c> int32 [in, out / 8], <c>M.qzeros</c> int32
/// [groups, out / 8], <c>M.scales</c> [groups, out].
/// </summary>
internal sealed class AwqLayout : QuantisedLayout
{
    /// <inheritdoc/>
    public override string Name => "awq";

    /// <inheritdoc/>
    public override void Read(LayoutReading reading)
    {
        if (reading.Config?.Method != Name)
            return;

        var format = reading.Config.Format ?? "gemm";
        foreach (var layer in GroupedLayer.All(reading))
        {
            if (reading.Config.Bits != 4 || format != "gemm")
                reading.Unsupported(layer.Codes, $"it is AWQ of {reading.BitsText} bits in the version '{format}'; 4 bits in gemm are read");
            else if (layer.Parts(reading, codes => new TensorShape(codes[0], codes[1] * GroupedParts.PerWord)) is { } parts &&
                GroupedLayer.HasEqualGroups(reading, parts, parts.Codes.Shape[0]))
                layer.Add(reading, new AwqTensor(layer.Weight, reading.TypeLike(parts.Scales), parts with { GroupOf = null }) { Format = "awq 4 bit" });
        }
    }
}
