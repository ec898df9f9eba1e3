using System.Globalization;
using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>Fills Horizon's build configuration: hb_mapper's for Journey 5, hb_compile's for Journey 6.</summary>
internal static class HorizonSettings
{
    /// <summary>The configuration of a model.</summary>
    public static HorizonYaml Of(HandOffModel model)
    {
        var isMapper = !MarchOf(model.Chip).StartsWith("nash", StringComparison.Ordinal);
        return new HorizonYaml(
            [$"float model: {model.Names.Float} sha256 {model.FloatDigest}", "Paths are relative to this file: run the compiler in its folder."],
            [
                HorizonEntry.Group("model_parameters", Model(model, isMapper)),
                HorizonEntry.Group("input_parameters", Inputs(model, isMapper)),
                HorizonEntry.Group("calibration_parameters", Calibration(model, isMapper)),
                HorizonEntry.Group("compiler_parameters", Compiler(model, isMapper)),
            ]);
    }

    /// <summary>The processor's architecture.</summary>
    public static string MarchOf(ChipProfile chip) => chip.Target.GetValueOrDefault("march", "bayes");

    private static List<HorizonEntry> Model(HandOffModel model, bool isMapper)
    {
        List<HorizonEntry> entries =
        [
            HorizonEntry.Text("onnx_model", model.Names.Float),
            HorizonEntry.Text("march", MarchOf(model.Chip)),
            HorizonEntry.Text("working_dir", model.Names.Stem + ".output"),
            HorizonEntry.Text("output_model_file_prefix", model.Names.Stem),
        ];
        var wide = model.Layers.Where(layer => HorizonHandOff.PrecisionOf(model, layer) == LayerPrecision.Int16).ToList();
        if (isMapper)
            entries.Add(HorizonEntry.Plain("layer_out_dump", "False"));

        if (isMapper && wide.Count > 0)
        {
            entries.Add(HorizonEntry.Group("node_info", wide.Select(layer =>
                HorizonEntry.Plain(layer.Name, "{'ON': 'BPU', 'InputType': 'int16', 'OutputType': 'int16'}"))));
        }

        return entries;
    }

    // Feature maps: what the samples hold is what the model reads, so nothing is scaled or rearranged.
    private static List<HorizonEntry> Inputs(HandOffModel model, bool isMapper)
    {
        List<HorizonEntry> entries =
        [
            HorizonEntry.Text("input_name", string.Join(';', model.Inputs.Select(input => input.Name))),
            HorizonEntry.Text("input_type_rt", Repeated("featuremap")),
            HorizonEntry.Text("input_type_train", Repeated("featuremap")),
            HorizonEntry.Text("input_layout_train", Repeated("NCHW")),
            HorizonEntry.Text("input_shape", string.Join(';', model.Inputs.Select(input => input.Joined("x")))),
        ];
        if (isMapper)
        {
            entries.Add(HorizonEntry.Text("input_layout_rt", Repeated("NCHW")));
            entries.Add(HorizonEntry.Text("norm_type", Repeated("no_preprocess")));
        }

        return entries;

        string Repeated(string word) => string.Join(';', model.Inputs.Select(_ => word));
    }

    private static List<HorizonEntry> Calibration(HandOffModel model, bool isMapper)
    {
        var folders = Enumerable.Range(0, model.Inputs.Count).Select(at => $"{model.Names.Calibration}/{CalibrationFolders.NameOf(model.Inputs, at)}");
        var entries = new List<HorizonEntry> { HorizonEntry.Text("cal_data_dir", string.Join(';', folders)) };
        if (!isMapper)
        {
            entries.Add(HorizonEntry.Text("quant_config", model.Names.QuantConfig));
            return entries;
        }

        entries.Add(HorizonEntry.Text("cal_data_type", string.Join(';', model.Inputs.Select(_ => "float32"))));
        entries.Add(HorizonEntry.Text("calibration_type", model.Request.Calibrator switch
        {
            "minmax" or "percentile" => "max",
            "entropy" => "kl",
            _ => "default",
        }));
        if (model.Request.Calibrator is "minmax" or "percentile")
        {
            var share = model.Request.Calibrator == "minmax" ? 1 : model.Request.Percentile / 100;
            entries.Add(HorizonEntry.Plain("max_percentile", share.ToString("0.0#######", CultureInfo.InvariantCulture)));
        }

        entries.Add(HorizonEntry.Plain("per_channel", "False"));
        var floats = model.Layers
            .Where(layer => HorizonHandOff.PrecisionOf(model, layer) is LayerPrecision.Float or LayerPrecision.Half).ToList();
        if (floats.Count > 0)
            entries.Add(HorizonEntry.Text("run_on_cpu", string.Join(';', floats.Select(layer => layer.Name))));

        return entries;
    }

    private static List<HorizonEntry> Compiler(HandOffModel model, bool isMapper) =>
    [
        HorizonEntry.Text("compile_mode", "latency"),
        HorizonEntry.Text("optimize_level", isMapper ? "O3" : "O2"),
        HorizonEntry.Plain("core_num", model.Chip.Target.GetValueOrDefault("coreNum", "1")),
        HorizonEntry.Plain("max_time_per_fc", "0"),
        HorizonEntry.Plain("debug", "False"),
    ];
}
