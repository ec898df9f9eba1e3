using LoraOps.Cli.Output;
using LoraOps.Onnx.HandOff;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in a file that a vendor's compiler takes beside a model.</summary>
internal static class HandOffSheet
{
    private const int Codes = 127;

    private static readonly (string Ending, Func<string, Sheet> Read)[] _kinds =
    [
        (".calib.cache", Cache),
        (".amct-record.txt", Record),
        (".encodings.json", Encodings),
        (".encodings-1.0.0.json", Encodings),
        (".quant-config.json", QuantConfig),
        (".horizon.yaml", Configuration),
    ];

    /// <summary>True for a file whose name ends like one of these.</summary>
    public static bool IsNamed(string path) => Array.Exists(_kinds, kind => path.EndsWith(kind.Ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads and describes a file.</summary>
    public static Sheet Of(string path) =>
        Array.Find(_kinds, kind => path.EndsWith(kind.Ending, StringComparison.OrdinalIgnoreCase)).Read(path)
            .Add("bytes", Cell.Bytes(new FileInfo(path).Length));

    private static Sheet Start(string kind, string path) => new Sheet().Add("kind", kind).Add("path", path);

    private static Sheet Cache(string path)
    {
        var cache = TensorRtCache.Read(path);
        return Start("TensorRT calibration cache", path)
            .Add("header", cache.Header)
            .Add("tensor count", cache.Scales.Count)
            .AddGrid("tensors", ["tensor", "scale", "magnitude"], cache.Scales.Select(line => new Cell[]
            {
                line.Tensor, (double)line.Scale, (double)line.Scale * Codes,
            }));
    }

    private static Sheet Record(string path)
    {
        var record = AmctRecord.Read(path);
        return Start("AMCT record", path)
            .Add("layer count", record.Layers.Count)
            .AddGrid("layers", ["layer", "scale", "offset", "weight scales"], record.Layers.Select(layer => new Cell[]
            {
                layer.Layer, (double)layer.DataScale, layer.DataOffset, layer.WeightScales.Count,
            }));
    }

    private static Sheet Encodings(string path)
    {
        var file = EncodingsFile.Read(path);
        return Start("encodings", path)
            .Add("schema", file.Version)
            .Add("activation count", file.Activations.Count)
            .Add("parameter count", file.Parameters.Count)
            .AddGrid("activations", ["tensor", "type", "scale", "offset"], file.Activations.Select(Row))
            .AddGrid("parameters", ["tensor", "type", "scale", "offset"], file.Parameters.Select(Row))
            .AddNotes("left in float", file.Excluded);
    }

    private static Cell[] Row(TensorEncoding encoding) =>
    [
        encoding.Tensor,
        $"{(encoding.IsFloat ? "float" : "int")}{encoding.Bits}{(encoding.Scales.Count > 1 ? $" × {encoding.Scales.Count}" : "")}",
        encoding.IsFloat ? Cell.None : encoding.Scales[0],
        encoding.IsFloat ? Cell.None : encoding.Offsets[0],
    ];

    private static Sheet QuantConfig(string path)
    {
        var config = HorizonQuantConfig.Read(path);
        return Start("Horizon quant_config", path)
            .Add("model type", config.ModelType)
            .Add("calibration", config.CalibrationType)
            .AddGrid("operators", ["operator", "type"], config.Ops.Select(pair => new Cell[] { pair.Key, pair.Value }))
            .AddGrid("nodes", ["node", "type"], config.Nodes.Select(pair => new Cell[] { pair.Key, pair.Value }));
    }

    private static Sheet Configuration(string path)
    {
        var yaml = HorizonYaml.Read(path);
        return Start("Horizon configuration", path)
            .AddGrid("parameters", ["group", "key", "value"], yaml.Groups.SelectMany(group =>
                group.Entries.Select(entry => new Cell[] { group.Key, entry.Key, entry.Value })))
            .AddNotes("comments", yaml.Comments);
    }
}
