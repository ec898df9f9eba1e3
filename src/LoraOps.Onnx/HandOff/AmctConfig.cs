using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>A layer of an AMCT configuration.</summary>
/// <param name="Layer">The node's name.</param>
/// <param name="IsQuantized">False for a layer that keeps its floats.</param>
/// <param name="PerChannel">One scale per output channel of the weight.</param>
public sealed record AmctLayerConfig(string Layer, bool IsQuantized, bool PerChannel);

/// <summary>AMCT's configuration of a post-training quantization: general settings, then one object per layer.</summary>
/// <param name="Batches">How many batches calibrate it.</param>
/// <param name="ActivationOffset">True where zero may have any code, false where it has the middle one.</param>
/// <param name="Layers">One for each layer, in graph order.</param>
public sealed record AmctConfig(int Batches, bool ActivationOffset, IReadOnlyList<AmctLayerConfig> Layers)
{
    private const string Kind = "AMCT configuration";

    /// <summary>The names that general settings have, so that no layer can.</summary>
    public static IReadOnlyList<string> Reserved { get; } =
        ["version", "batch_num", "activation_offset", "do_fusion", "skip_fusion_layers"];

    /// <summary>Writes the file.</summary>
    /// <remarks>
    /// Nothing is fused again: the float model beside it has its batch norms folded, and the record's scales are those of the
    /// weights as they are there.
    /// </remarks>
    public void Write(string path) => HandOffJson.Write(path, json =>
    {
        json.WriteNumber("version", 1);
        json.WriteNumber("batch_num", Batches);
        json.WriteBoolean("activation_offset", ActivationOffset);
        json.WriteBoolean("do_fusion", false);
        json.WriteStartArray("skip_fusion_layers");
        json.WriteEndArray();
        foreach (var layer in Layers)
        {
            json.WriteStartObject(layer.Layer);
            json.WriteBoolean("quant_enable", layer.IsQuantized);
            if (layer.IsQuantized)
                Parameters(json, layer);

            json.WriteEndObject();
        }
    });

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no such configuration.</exception>
    public static AmctConfig Read(string path) => HandOffJson.Read(path, Kind, root => new AmctConfig(
        root.GetProperty("batch_num").GetInt32(),
        root.GetProperty("activation_offset").GetBoolean(),
        [.. root.EnumerateObject().Where(property => !Reserved.Contains(property.Name)).Select(Layer)]));

    private static AmctLayerConfig Layer(JsonProperty property)
    {
        var enabled = property.Value.GetProperty("quant_enable").GetBoolean();
        return new AmctLayerConfig(
            property.Name, enabled, enabled && property.Value.GetProperty("weight_quant_params").GetProperty("channel_wise").GetBoolean());
    }

    // The search around the largest magnitude is AMCT's default; it matters only to those who calibrate there again.
    private void Parameters(Utf8JsonWriter json, AmctLayerConfig layer)
    {
        json.WriteStartObject("activation_quant_params");
        json.WriteNumber("num_bits", 8);
        json.WriteNumber("max_percentile", 0.999999);
        json.WriteNumber("min_percentile", 0.999999);
        json.WriteStartArray("search_range");
        json.WriteNumberValue(0.7);
        json.WriteNumberValue(1.3);
        json.WriteEndArray();
        json.WriteNumber("search_step", 0.01);
        json.WriteString("act_algo", "ifmr");
        json.WriteBoolean("asymmetric", ActivationOffset);
        json.WriteEndObject();
        json.WriteStartObject("weight_quant_params");
        json.WriteNumber("num_bits", 8);
        json.WriteString("wts_algo", "arq_quantize");
        json.WriteBoolean("channel_wise", layer.PerChannel);
        json.WriteEndObject();
    }
}
