namespace LoraOps.Onnx.Tests.Chips;

/// <summary>A case for every rule that looks at files for a vendor's compiler.</summary>
internal static class FileRuleCases
{
    private const string Yaml = "model.horizon.yaml";

    public static readonly Dictionary<string, RuleCase> All = new(StringComparer.Ordinal)
    {
        ["TRT-12"] = Files(model => model.Rewrite("model.calib.cache", text => text.Replace("x: 3c010204", "x: 3c810204", StringComparison.Ordinal))),
        ["ASC-09"] = new(chip => new Specimen(chip).Beside("aipp.cfg", Aipp)
            .Add(graph => graph.Float("mean", 0.5f).Node("Sub", ["x", "mean"], "centred"))
            .Node("x_q", node => node.Input[0] = "centred"))
        {
            Sound = chip => new Specimen(chip).Beside("aipp.cfg", Aipp),
        },
        ["HZN-03"] = Files(model => model.Drop("model.calibration")),
        ["HZN-04"] = Files(
            model => model.Rewrite(Yaml, text => Nv12(text).Replace("1x16x8x8", "1x3x7x8", StringComparison.Ordinal)),
            model => model.Rewrite(Yaml, text => Nv12(text).Replace("1x16x8x8", "1x3x8x8", StringComparison.Ordinal))),
        ["HZN-09"] = Files(model => model.Rewrite(Yaml, text => text.Replace(
            "input_parameters:\n", "input_parameters:\n  scale_value: '0.01'\n  std_value: '100'\n", StringComparison.Ordinal))),
        ["HZN-10"] = Files(model => model.Rewrite("model.quant-config.json", text => text.TrimEnd().TrimEnd('}').TrimEnd()
            + ", \"node_config\": { \"nobody\": { \"qtype\": \"int16\" } } }")),
        ["QNN-08"] = Files(model => model.Rewrite("model.encodings.json", text => text.Replace("\"min\": -", "\"min\": -1", StringComparison.Ordinal))),
    };

    private const string Aipp = """
        aipp_op {
          aipp_mode: static
          input_format: RGB888_U8
          mean_chn_0: 104
          var_reci_chn_0: 0.0039
        }
        """;

    private static RuleCase Files(Func<Specimen, Specimen> broken, Func<Specimen, Specimen>? sound = null) =>
        new(chip => broken(new Specimen(chip).HandedOff())) { Sound = chip => (sound ?? (model => model))(new Specimen(chip).HandedOff()) };

    private static string Nv12(string text) => text.Replace("input_type_rt: 'featuremap'", "input_type_rt: 'nv12'", StringComparison.Ordinal);
}
