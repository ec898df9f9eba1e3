using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>
/// What Horizon's tools quantize from: the float model, samples, a build configuration, and the types of the nodes that are not INT8.
/// Ranges and scales are theirs to find, so that what is handed on is the data and the choice of precision.
/// </summary>
public sealed class HorizonHandOff : HandOffWriter
{
    /// <inheritdoc/>
    public override string Name => "horizon";

    /// <inheritdoc/>
    public override IReadOnlyList<HandOffFile> Files(HandOffNames names) =>
    [
        new(names.HorizonYaml, "the build configuration"),
        new(names.QuantConfig, "the types of operators and nodes that are not INT8"),
        new(names.Calibration, "calibration samples: a folder per input, a .npy file per sample"),
    ];

    /// <inheritdoc/>
    public override void Write(HandOffModel model, string folder)
    {
        Refuse(model);
        var runs = CalibrationFolders.Write(
            model.Inputs, model.Request.Samples, Path.Combine(folder, model.Names.Calibration), model.Request.Prepared.Path);
        if (runs < CalibrationFolders.Fewest)
            model.Note($"The folders hold {runs} samples; the vendor advises {CalibrationFolders.Fewest} to {CalibrationFolders.Most}.");

        TypesOf(model).Write(Path.Combine(folder, model.Names.QuantConfig));
        HandOffText.Write(Path.Combine(folder, model.Names.HorizonYaml), HorizonSettings.Of(model).Render());
        if (model.Layers.Any(layer => PrecisionOf(model, layer) != layer.Precision))
            model.Note("Layers that the quantized model leaves in float without anybody's choice are int16 here.");

        model.Note($"Node names are those of {model.Names.Float} (sha256 {model.FloatDigest}); a tool that rewrites it first may rename some.");
    }

    /// <summary>What Horizon calls a precision.</summary>
    internal static string TypeOf(LayerPrecision precision) => precision switch
    {
        LayerPrecision.Int8 => "int8",
        LayerPrecision.Int16 => "int16",
        LayerPrecision.Half => "float16",
        _ => "float32",
    };

    /// <summary>
    /// What a layer is computed in there. Sixteen-bit codes serve for what the quantized model leaves in float without anybody's choice:
    /// their steps are a 256th of INT8's, and the processor need not hand the layer to a CPU.
    /// </summary>
    internal static LayerPrecision PrecisionOf(HandOffModel model, HandOffLayer layer) =>
        !layer.IsQuantized && !layer.IsChosen && model.Chip.Precisions.Contains(LayerPrecision.Int16) ? LayerPrecision.Int16 : layer.Precision;

    private static HorizonQuantConfig TypesOf(HandOffModel model) => new("int8")
    {
        CalibrationType = model.Request.Calibrator switch { "minmax" or "percentile" => "max", "entropy" => "kl", _ => null },
        MaxPercentile = model.Request.Calibrator == "percentile" ? model.Request.Percentile / 100 : null,
        Asymmetric = !model.Chip.Activations.Symmetric,
        Ops = FloatOps(model),
        Nodes = model.Layers.Where(layer => layer.Precision != LayerPrecision.Int8)
            .ToDictionary(layer => layer.Name, layer => TypeOf(PrecisionOf(model, layer)), StringComparer.Ordinal),
    };

    // What the profile keeps in float would be INT8 there: the tool quantizes whatever it can.
    private static Dictionary<string, string> FloatOps(HandOffModel model)
    {
        var present = model.Request.Prepared.Graph.Node.Where(node => node.Domain.Length == 0).Select(node => node.OpType);
        var precision = model.Chip.Precisions.Contains(LayerPrecision.Int16) ? LayerPrecision.Int16 : LayerPrecision.Float;
        return present.Where(model.Chip.FloatOps.ContainsKey).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .ToDictionary(op => op, _ => TypeOf(precision), StringComparer.Ordinal);
    }

    private static void Refuse(HandOffModel model)
    {
        var path = model.Request.Prepared.Path;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var problems = model.Inputs.Select(input => input.Name).Concat(model.Layers.Select(layer => layer.Name))
            .Where(name => name.AsSpan().ContainsAny(";\r\n"))
            .Select(name => HandOffProblems.NameUnusable(path, name, model.Names.HorizonYaml, "its lists are separated by ';' and line breaks"))
            .Concat(model.Layers.Where(layer => !seen.Add(layer.Name))
                .Select(layer => HandOffProblems.NameUnusable(path, layer.Name, model.Names.QuantConfig, "another node has this name")))
            .ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }
}
