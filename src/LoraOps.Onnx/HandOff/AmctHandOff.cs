using LoraOps.Onnx.Chips;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>AMCT's record and configuration, for Ascend: quantized layers have their factors, all others are switched off.</summary>
public sealed class AmctHandOff : HandOffWriter
{
    /// <inheritdoc/>
    public override string Name => "amct";

    /// <inheritdoc/>
    public override IReadOnlyList<HandOffFile> Files(HandOffNames names) =>
    [
        new(names.Record, "AMCT's record: scale and offset of each quantized layer's input and weight"),
        new(names.AmctConfig, "AMCT's configuration: which layers are quantized, and how"),
    ];

    /// <inheritdoc/>
    public override void Write(HandOffModel model, string folder)
    {
        var layers = model.Layers.Where(layer => layer.Weight is not null).ToList();
        var recorded = layers.Where(layer => layer.Precision == LayerPrecision.Int8).ToList();
        var problems = recorded.Select(layer => Obstacle(model, layer)).Concat(Names(model, layers)).OfType<Problem>().ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var record = new AmctRecord([.. recorded.Select(Record)]);
        HandOffText.Write(Path.Combine(folder, model.Names.Record), record.Render());
        new AmctConfig(
            model.Request.Samples?.Count ?? 1, !model.Chip.Activations.Symmetric,
            [.. layers.Select(layer => new AmctLayerConfig(layer.Name, layer.Precision == LayerPrecision.Int8, layer.WeightScales.Count > 1))])
            .Write(Path.Combine(folder, model.Names.AmctConfig));
        if (recorded.Count < layers.Count)
            model.Note("AMCT quantizes to INT8 or not at all: layers of any other precision are switched off and run in FP16.");
    }

    private static AmctLayer Record(HandOffLayer layer) => new(
        layer.Name, layer.Codes?.Scale ?? 0, layer.Codes?.SignedZeroPoint ?? 0,
        layer.WeightScales, [.. layer.WeightScales.Select(_ => 0)]);

    private static Problem? Obstacle(HandOffModel model, HandOffLayer layer) =>
        layer.WeightScales.Count > 1 && layer.Op != "Conv"
            ? HandOffProblems.ScaleUnfit(
                model.Request.Prepared.Path, layer.Name,
                $"has {layer.WeightScales.Count} weight scales; AMCT takes one for {layer.Op}: leave it out of weights.perChannelOps")
            : null;

    private static IEnumerable<Problem> Names(HandOffModel model, List<HandOffLayer> layers)
    {
        var seen = new HashSet<string>(AmctConfig.Reserved, StringComparer.Ordinal);
        return layers.Where(layer => !seen.Add(layer.Name)).Select(layer => HandOffProblems.NameUnusable(
            model.Request.Prepared.Path, layer.Name, model.Names.AmctConfig, "another layer or a setting has this name"));
    }
}
