using System.Runtime.InteropServices;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// GPTQ's 4-bit linear layers: <c>M.qweight</c> int32 [in / 8, out], <c>M.qzeros</c> int32 [groups, out / 8], <c>M.scales</c>
/// [groups, out] and <c>M.g_idx</c> int32 [in]. Which zero is meant, only the config tells: <c>gptq</c> stores zero − 1.
/// </summary>
internal sealed class GptqLayout : QuantisedLayout
{
    private static readonly string[] Formats = ["gptq", "gptq_v2"];

    /// <inheritdoc/>
    public override string Name => "gptq";

    /// <inheritdoc/>
    public override void Read(LayoutReading reading)
    {
        if (reading.Config?.Method != Name)
            return;

        var format = reading.Config.Format ?? "gptq";
        foreach (var layer in GroupedLayer.All(reading))
        {
            if (reading.Config.Bits != 4 || !Formats.Contains(format))
                reading.Unsupported(
                    layer.Codes, $"it is GPTQ of {reading.BitsText} bits in the format '{format}'; 4 bits in gptq and gptq_v2 are read");
            else if (layer.Parts(reading, codes => new TensorShape(codes[0] * GroupedParts.PerWord, codes[1])) is { } parts && HasGroups(reading, parts))
                layer.Add(reading, Tensor(layer, reading, parts, format));
        }
    }

    private static GptqTensor Tensor(GroupedLayer layer, LayoutReading reading, GroupedParts parts, string format) =>
        new(layer.Weight, reading.TypeLike(parts.Scales), parts, format == "gptq" ? 1 : 0) { Format = $"{format} 4 bit" };

    // A group outside the table would be read from another tensor's memory.
    private static bool HasGroups(LayoutReading reading, GroupedParts parts)
    {
        if (parts.GroupOf is not { } stored)
            return GroupedLayer.HasEqualGroups(reading, parts, parts.Codes.Shape[0] * GroupedParts.PerWord);

        if (!reading.Fits(stored, [ElementType.I32], parts.Codes.Shape[0] * GroupedParts.PerWord))
            return false;

        foreach (var group in MemoryMarshal.Cast<byte, int>(stored.ToBytes()))
        {
            if (group >= 0 && group < parts.Groups)
                continue;

            reading.Invalid(stored.Name, $"it names group {group} of {parts.Groups}");
            return false;
        }

        return true;
    }
}
