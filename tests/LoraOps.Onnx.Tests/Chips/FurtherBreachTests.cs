using System.Text.RegularExpressions;
using LoraOps.Onnx.Chips;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Chips;

/// <summary>The other ways in which rules can be broken, and what is said of them.</summary>
public sealed class FurtherBreachTests
{
    private const string Yaml = "model.horizon.yaml";

    private static readonly Dictionary<string, (string Chip, string Rule, Func<Specimen, Specimen> Bend)> Ways = new(StringComparer.Ordinal)
    {
        ["leaves dimension 0 ('free') open"] = ("orin-dla", "TRT-11", model => model.Open(0)),
        ["runs on the GPU: 2 nodes, the first is node_a"] = ("orin-dla", "TRT-11", model => model.Add(graph => graph
            .Node("Erf", ["y"], "a").Node("Erf", ["a"], "b"))),
        ["falls into about 17 parts"] = ("orin-dla", "TRT-11", model => model.Add(graph => Enumerable.Range(0, 16)
            .Aggregate(graph, (all, i) => all.Node("Erf", ["y"], $"e{i}").Node("Relu", ["y"], $"r{i}")))),
        ["has a dimension of 8193, 8192 are allowed"] = ("orin-dla", "TRT-11", model => model.Shape("v", 1, 8193)),
        ["has a batch of 4097, 4096 are allowed"] = ("orin-dla", "TRT-11", model => model.Shape("v", 4097, 3)),
        ["has groups of 2 inputs and 2 outputs, int8 wants multiples of 4"] = ("orin-dla", "TRT-11", model => model.Add(graph => graph
            .Stored("v", [16, 2, 1, 1], 0).Node("Conv", ["x_dq", "v_dq"], "g", TinyGraph.Integer("group", 8)))),
        ["convolves over 1 dimensions, the DLA over 2"] = ("orin-dla", "TRT-11", model => model.Add(graph => graph
            .Stored("v", [16, 16, 3], 0).Node("Conv", ["x_dq", "v_dq"], "g"))),
        ["has no line in the calibration cache"] = ("orin-dla", "TRT-12", model => model.HandedOff()
            .Rewrite("model.calib.cache", text => text[..text.LastIndexOf("y:", StringComparison.Ordinal)])),
        ["of the calibration cache is no activation of the model"] = ("orin-dla", "TRT-12", model => model.HandedOff()
            .Rewrite("model.calib.cache", text => text + "z: 3c010204\n")),
        ["declares the gear '4096', allowed are 1 to 2048"] = ("ascend-310p", "ASC-02", model => model.Target("gears", "1,2,4096")),
        ["declares 101 gears, 100 are allowed"] = ("ascend-310p", "ASC-02", model => model.Target("gears", string.Join(',', Enumerable.Repeat("8", 101)))),
        ["gives a weight an offset"] = ("ascend-310p", "ASC-03", model => model.Codes("w_z", DataType.Int8, 1)),
        ["(MatMul) has 16 weight scales, 1 is allowed"] = ("ascend-310p", "ASC-04", model => model.Add(graph => graph
            .Stored("v", [8, 16], 1).Node("MatMul", ["x_dq", "v_dq"], "m"))),
        ["(Relu) reads a quantized value"] = ("ascend-310p", "ASC-05", model => model.Add(graph => graph.Node("Relu", ["x_dq"], "r"))),
        ["has no constant matrix as its second operand"] = ("ascend-310p", "ASC-05", model => model.Add(graph => graph
            .Node("MatMul", ["x_dq", "x_dq"], "m"))),
        ["is quantized though it transposes its activation"] = ("ascend-310p", "ASC-06", model => model.Add(graph => graph
            .Stored("v", [8, 16], 1).Node("Gemm", ["x_dq", "v_dq"], "m", TinyGraph.Integer("transA", 1)))),
        ["has no target.soc"] = ("mdc-610", "ASC-10", model => model),
        ["(Conv) reads 3 dimensions, the unit 4"] = ("journey-5", "HZN-02", model => model.Shape("v", 1, 16, 8).Add(graph => graph
            .Stored("w3", [16, 16, 3], 0).Node("Conv", ["v", "w3_dq"], "g"))),
        ["gives a shape that depends on values"] = ("journey-6", "HZN-02", model => model.Add(graph => graph.Node("NonZero", ["y"], "n"))),
        ["holds 3 samples, 100 to 500 are wanted"] = ("journey-6", "HZN-03", model => model.HandedOff(3)),
        ["names 0 folders, the model has 1 inputs"] = ("journey-6", "HZN-03", model => model.HandedOff()
            .Rewrite(Yaml, text => text.Replace("'model.calibration/x'", "''", StringComparison.Ordinal))),
        ["is an NV12 image of odd size, 1x3x7x8"] = ("journey-6", "HZN-04", model => model.HandedOff().Rewrite(Yaml, text => text
            .Replace("input_type_rt: 'featuremap'", "input_type_rt: 'nv12'", StringComparison.Ordinal)
            .Replace("1x16x8x8", "1x3x7x8", StringComparison.Ordinal))),
        ["is normalised by the graph and by the build configuration"] = ("journey-6", "HZN-04", model => model.HandedOff().Rewrite(Yaml, text => text
            .Replace("input_type_rt: 'featuremap'", "input_type_rt: 'nv12'\n  mean_value: '104'", StringComparison.Ordinal))
            .Add(graph => graph.Float("mean", 0.5f).Node("Sub", ["x", "mean"], "centred")).Node("x_q", node => node.Input[0] = "centred")),
        ["(ReduceSum) reduces 65536 values"] = ("journey-6", "HZN-06", model => model.Shape("v", 1, 65536).Add(graph => graph
            .Codes("axes", DataType.Int64, [1], 1L).Node("ReduceSum", ["v", "axes"], "r"))),
        ["names the march 'nash-z'"] = ("journey-6", "HZN-07", model => model.Target("march", "nash-z")),
        ["has separate_batch and separate_name"] = ("journey-6", "HZN-09", model => model.HandedOff().Rewrite(Yaml, text => text
            .Replace("input_parameters:\n", "input_parameters:\n  separate_batch: True\n  separate_name: 'x'\n", StringComparison.Ordinal))),
        ["is bt601_video for featuremap, only nv12 has it"] = ("journey-6", "HZN-09", model => model.HandedOff().Rewrite(Yaml, text => text
            .Replace("input_parameters:\n", "input_parameters:\n  input_space_and_range: 'bt601_video'\n", StringComparison.Ordinal))),
        ["scales a feature map"] = ("journey-6", "HZN-09", model => model.HandedOff().Rewrite(Yaml, text => text
            .Replace("input_parameters:\n", "input_parameters:\n  mean_value: '104'\n", StringComparison.Ordinal))),
        ["is 500, allowed are 0 and 1000 or more"] = ("journey-6", "HZN-09", model => model.HandedOff()
            .Rewrite(Yaml, text => text.Replace("max_time_per_fc: 0", "max_time_per_fc: 500", StringComparison.Ordinal))),
        ["is another file than the one that the configuration was written for"] = ("journey-6", "HZN-10", model => model.HandedOff()
            .Rewrite(Yaml, text => Regex.Replace(text, "sha256 .", "sha256 "))),
        ["normalises a tensor of 5 dimensions, 4 are allowed"] = ("sa8295", "QNN-01", model => model.Shape("v", 1, 2, 3, 4, 5)
            .Add(graph => graph.Node("LayerNormalization", ["v", "b"], "n"))),
        ["has 6 dimensions, 5 are allowed"] = ("sa8295", "QNN-01", model => model.Shape("v", 1, 2, 3, 4, 5, 6)),
        ["has several scales for a MatMul"] = ("sa8295", "QNN-03", model => model.Add(graph => graph
            .Stored("v", [8, 16], 1).Node("MatMul", ["x_dq", "v_dq"], "m"))),
        ["has a bias that is not int32"] = ("sa8295", "QNN-07", model => model.Add(graph => graph.Random("fb", 16)).Node("y", node => node.Input[2] = "fb")),
        ["is quantized and has no encoding"] = ("sa8295", "QNN-08", model => model.HandedOff()
            .Rewrite("model.encodings.json", text => text.Replace("\"w\"", "\"other\"", StringComparison.Ordinal))),
        ["reads beyond its 8 rows"] = ("sa8295", "QNN-09", model => Gathered(model, 8)),
        ["reads negative indices"] = ("sa8295", "QNN-09", model => Gathered(model, -1)),
        ["reads indices that are no constant"] = ("sa8295", "QNN-09", model => model.Add(graph => graph.Node("Gather", ["y_dq", "i"], "g"))),
        ["has no name: 1 node in all"] = ("sa8295", "QNN-09", model => model.Node("y", node => node.Name = "")),
        ["(Gemm) has a factor alpha or beta"] = ("sa8295", "QNN-10", model => model.Add(graph => graph
            .Node("Gemm", ["x_dq", "w_dq"], "m", TinyGraph.Real("alpha", 2)))),
        ["(LayerNormalization) normalises another dimension than the last"] = ("sa8295", "QNN-10", model => model.Shape("v", 1, 2, 3)
            .Add(graph => graph.Node("LayerNormalization", ["v", "b"], "n", TinyGraph.Integer("axis", 1)))),
        ["(MaxPool) pools over other than 1 to 3 dimensions"] = ("sa8295", "QNN-10", model => model.Add(graph => graph.Node("MaxPool", ["y_dq"], "p"))),
        ["(Conv) has no kernel for this that is fast, or none at all"] = ("x64-vnni", "CPU-03", model => model.Add(graph => graph
            .Node("DynamicQuantizeLinear", ["x"], "d").Node("DequantizeLinear", ["d", "x_s"], "d_dq").Node("Conv", ["d_dq", "w_dq"], "c"))),
    };

    public static TheoryData<string> Sentences => [.. Ways.Keys];

    [Theory]
    [MemberData(nameof(Sentences))]
    public void Says_what_is_wrong(string what)
    {
        var (chip, rule, bend) = Ways[what];
        using var specimen = new Specimen(ChipProfiles.Find(chip));

        Assert.Contains(bend(specimen).Findings(), finding => finding.RuleId == rule && finding.What.Contains(what, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("leaves dimension 0 ('free') open", Severity.Warn)]
    [InlineData("has a dimension of 8193, 8192 are allowed", Severity.Error)]
    [InlineData("holds 3 samples, 100 to 500 are wanted", Severity.Warn)]
    [InlineData("reads beyond its 8 rows", Severity.Error)]
    [InlineData("reads negative indices", Severity.Warn)]
    public void What_the_chip_runs_all_the_same_is_a_warning(string what, Severity severity)
    {
        var (chip, rule, bend) = Ways[what];
        using var specimen = new Specimen(ChipProfiles.Find(chip));

        Assert.Equal(severity, bend(specimen).Findings().First(finding => finding.RuleId == rule && finding.What == what).Severity);
    }

    [Fact]
    public void The_twin_of_a_float_model_may_have_a_newer_opset_and_the_float_model_may_not()
    {
        var chip = ChipProfiles.Find("journey-5");
        using var twin = new Specimen(chip).Opset(17);
        var real = new TinyGraph(17).Input("x", 1, 16, 8, 8).Random("w", 16, 16, 1, 1).Node("Conv", ["x", "w"], "y").Output("y", 1, 16, 8, 8).Build();

        Assert.Equal(("HZN-01", Severity.Warn), twin.Findings().Select(finding => (finding.RuleId, finding.Severity)).Single());
        Assert.Equal(("HZN-01", Severity.Error), ChipRules.Check(real, chip).Select(finding => (finding.RuleId, finding.Severity)).Single());
    }

    private static Specimen Gathered(Specimen model, long index) => model.Shape("v", 8, 4)
        .Add(graph => graph.Codes("i", DataType.Int64, [1], index).Node("Gather", ["v", "i"], "g"));
}
