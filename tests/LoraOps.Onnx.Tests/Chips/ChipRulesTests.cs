using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Chips;

public sealed class ChipRulesTests
{
    [Fact]
    public void Every_rule_is_used_by_a_chip() =>
        Assert.Empty(ChipRules.All.Select(rule => rule.Id).Except(ChipProfiles.All.SelectMany(chip => chip.Rules.Keys)));

    [Fact]
    public void Quantization_without_a_zero_point_gives_uint8() => Assert.Contains("TRT-01", Broken(
        new TinyGraph().Float("s", 1).Node("QuantizeLinear", ["x", "s"], "q").Node("DequantizeLinear", ["q", "s"], "y").Build(), "TRT-01"));

    [Fact]
    public void A_scale_that_is_computed_is_not_sound() => Assert.Contains("TRT-10", Broken(
        new TinyGraph().Node("QuantizeLinear", ["x", "s"], "q").Build(), "TRT-10"));

    [Fact]
    public void An_epsilon_below_FP16_is_not_safe() => Assert.Contains("TRT-09", Broken(
        new TinyGraph().Node("LayerNormalization", ["x", "g", "b"], "y", TinyGraph.Real("epsilon", 1e-12f)).Build(), "TRT-09"));

    [Fact]
    public void A_range_beyond_FP16_is_not_safe() =>
        Assert.Contains("TRT-09", Broken(Product(new TinyGraph().Pair("x", scale: 1000)).Build(), "TRT-09"));

    [Fact]
    public void A_first_convolution_may_be_small() => Assert.Empty(Broken(
        new TinyGraph().Input("x", 1, 3, 8, 8).Pair("x").Stored("w", [4, 3, 2, 2], 0).Node("Conv", ["x_dq", "w_dq"], "y").Build(), "TRT-07"));

    [Fact]
    public void The_optimised_model_must_run_integer_kernels()
    {
        var model = Product(new TinyGraph().Pair("x", DataType.Uint8)).Build();
        var fused = new TinyGraph().Node("MatMulIntegerToFloat", ["x", "w"], "y").Build();

        Assert.Empty(Broken(model, "CPU-04", fused));
        Assert.Equal(["CPU-04"], Broken(model, "CPU-04", optimized: model));
        Assert.Empty(Broken(model, "CPU-04"));
    }

    [Fact]
    public void The_optimised_model_must_not_move_values_between_pairs()
    {
        var left = new TinyGraph().Pair("x").Node("MaxPool", ["x_dq"], "y").Pair("y").Build();

        Assert.Equal(["CPU-05"], Broken(left, "CPU-05", optimized: left));
        Assert.Empty(Broken(left, "CPU-05", Layer().Build()));
        Assert.Empty(Broken(left, "CPU-05"));
    }

    [Fact]
    public void An_error_refuses_the_model_and_a_warning_does_not()
    {
        var broken = Layer(new TinyGraph(opset: 22)).Build("city.onnx");
        var chip = ChipProfiles.Find("orin-x");

        var problem = Assert.Throws<LoraOpsException>(() => ChipRules.Enforce(broken, chip)).Problems.Single();
        var lenient = chip with { Rules = new Dictionary<string, Severity> { ["CHIP-01"] = Severity.Warn } };

        Assert.Equal((ProblemCode.ChipRuleBroken, ExitCode.ChipRefuses, "city.onnx"), (problem.Code, problem.Code.ExitCode(), problem.Where));
        Assert.Equal("orin-x cannot run it: CHIP-01: the model has opset 22, " + chip.Sdk + " reads 13 to 20", problem.What);
        Assert.Equal(Severity.Warn, ChipRules.Enforce(broken, lenient).Single().Severity);
    }

    private static IEnumerable<string> Broken(OnnxModel model, string id, OnnxModel? optimized = null)
    {
        var chip = ChipProfiles.All.First(chip => chip.Rules.ContainsKey(id));
        return ChipRules.Check(model, chip, new RuleEvidence { Optimized = optimized })
            .Select(finding => finding.RuleId).Where(found => found == id);
    }

    private static TinyGraph Layer(TinyGraph? graph = null) => Product((graph ?? new TinyGraph()).Pair("x"));

    private static TinyGraph Product(TinyGraph graph, int axis = 1) =>
        graph.Input("x", 1, 32).Stored("w", [32, 16], axis).Node("MatMul", ["x_dq", "w_dq"], "y").Output("y", 1, 16);
}
