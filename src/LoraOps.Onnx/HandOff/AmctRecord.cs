using System.Globalization;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>A layer of an AMCT record: code = clip(round(x / scale + offset), −128, 127).</summary>
/// <param name="Layer">The node's name.</param>
/// <param name="DataScale">Real numbers per code of its input.</param>
/// <param name="DataOffset">The code of zero, −128 … 127.</param>
/// <param name="WeightScales">One scale, or one per output channel of a convolution.</param>
/// <param name="WeightOffsets">As many zeros.</param>
public sealed record AmctLayer(
    string Layer, float DataScale, int DataOffset, IReadOnlyList<float> WeightScales, IReadOnlyList<int> WeightOffsets);

/// <summary>AMCT's record of quantization factors: protobuf text of <c>record { key value }</c> (hicann/amct, scale_offset_record).</summary>
/// <param name="Layers">One for each quantized layer, in graph order.</param>
public sealed record AmctRecord(IReadOnlyList<AmctLayer> Layers)
{
    private const string Kind = "AMCT record";

    /// <summary>The text of the file.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        foreach (var layer in Layers)
        {
            text.Append("record {\n  key: ").Append(ProtoText.Quote(layer.Layer)).Append("\n  value {\n");
            Line(text, "scale_d", layer.DataScale);
            Line(text, "offset_d", layer.DataOffset);
            foreach (var scale in layer.WeightScales)
                Line(text, "scale_w", scale);

            foreach (var offset in layer.WeightOffsets)
                Line(text, "offset_w", offset);

            text.Append("  }\n}\n");
        }

        return text.ToString();
    }

    /// <summary>Reads a record; fields of other features are passed over.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no record.</exception>
    public static AmctRecord Read(string path)
    {
        try
        {
            var layers = ProtoText.Parse(HandOffText.Read(path, Kind)).Where(field => field.Name == "record").Select(Layer).ToList();
            return layers.Select(layer => layer.Layer).Distinct(StringComparer.Ordinal).Count() == layers.Count
                ? new AmctRecord(layers)
                : throw new FormatException("it names a layer twice");
        }
        catch (FormatException wrong)
        {
            throw new LoraOpsException(HandOffProblems.FileInvalid(path, Kind, wrong.Message));
        }
    }

    private static AmctLayer Layer(ProtoField record)
    {
        var key = record.One("key").Text;
        var value = record.One("value");
        var layer = new AmctLayer(
            key, value.One("scale_d").Single(), value.One("offset_d").Integer(),
            [.. value.All("scale_w").Select(field => field.Single())], [.. value.All("offset_w").Select(field => field.Integer())]);
        return layer.WeightScales.Count == layer.WeightOffsets.Count
            ? layer
            : throw new FormatException($"layer '{key}' has {layer.WeightScales.Count} scale_w and {layer.WeightOffsets.Count} offset_w");
    }

    private static void Line<T>(StringBuilder text, string name, T value)
        where T : IFormattable =>
        text.Append("    ").Append(name).Append(": ").Append(value.ToString(null, CultureInfo.InvariantCulture)).Append('\n');
}
