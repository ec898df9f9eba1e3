using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Quantizing;

public sealed class PrecisionSearchTests
{
    private static OnnxModel Model { get; } = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));

    private static SampleSet Samples { get; } = SampleSet.Open(Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"));

    [Theory]
    [InlineData("x64-vnni", LayerPrecision.Float, 4)]
    [InlineData("journey-6", LayerPrecision.Int16, 3)]
    public void Lifts_layers_that_are_all_needed_until_the_gate_passes(string name, LayerPrecision precision, double more)
    {
        var chip = ChipProfiles.Find(name);
        var before = Measure(chip, null).Outputs[0].Sqnr;
        var gate = new Gate("sqnr", ">=", before + more);

        var outcome = Run(chip, gate);

        var choice = Assert.IsType<PrecisionChoice>(outcome.Choice);
        Assert.NotEmpty(choice.Lifted);
        Assert.All(choice.Lifted, layer => Assert.Equal(precision, layer.Precision));
        Assert.True(Measure(outcome).Outputs[0].Sqnr >= before + more);
        Assert.True(choice.Lifted.Count < outcome.Quantization.Nodes.Count / 2, $"{choice.Lifted.Count} layers were lifted");
        foreach (var layer in choice.Lifted)
        {
            var others = choice.Lifted.Where(other => other != layer).ToDictionary(other => other.Node, other => other.Precision);
            Assert.True(Measure(chip, others).Outputs[0].Sqnr < before + more, $"{layer.Node} was not needed");
            Assert.Contains("sqnr would be", layer.Without, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Lifts_nothing_where_the_gate_passes_anyway()
    {
        var outcome = Run(ChipProfiles.Find("x64-vnni"), new Gate("cosine", ">=", 0.9));

        Assert.Empty(outcome.Choice!.Lifted);
        Assert.Empty(outcome.Choice.Layers);
        Assert.True(Assert.Single(outcome.Choice.Results).Passed);
    }

    [Fact]
    public void Ranks_layers_by_what_each_does_alone()
    {
        var chip = ChipProfiles.Find("x64-vnni");
        var goal = new PrecisionGoal([], Samples) { RanksAll = true, ScanSamples = Samples.Count };

        var outcome = QuantizationRun.Run(
            Model, new QuantizationRequest { Chip = chip, Calibration = Samples, Goal = goal }, WorkStages.Silent, default);

        var layers = outcome.Choice!.Layers;
        Assert.Equal(outcome.Quantization.Nodes.Select(node => node.Node).Order(), layers.Select(layer => layer.Node).Order());
        Assert.Equal(layers.OrderBy(layer => layer.Sqnr), layers);
        var others = layers.Skip(1).ToDictionary(layer => layer.Node, _ => LayerPrecision.Float);
        Assert.Equal(Measure(chip, others).Outputs[0].Sqnr, layers[0].Sqnr, 1e-6);
    }

    [Fact]
    [Raises(ProblemCode.GateOutOfReach)]
    public void A_gate_that_no_precision_reaches_is_refused()
    {
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Run(ChipProfiles.Find("x64-vnni"), new Gate("norm-ratio", ">=", 2))).Problems);

        Assert.Equal(ProblemCode.GateOutOfReach, problem.Code);
        Assert.Contains("norm-ratio of 'logits'", problem.What, StringComparison.Ordinal);
        Assert.Equal(ExitCode.GateFailed, problem.Code.ExitCode());
    }

    [Fact]
    public void What_only_the_profile_asks_for_may_stay_out_of_reach()
    {
        var chip = ChipProfiles.Find("x64-vnni") with { Until = ["norm-ratio>=2"] };
        var request = new QuantizationRequest { Chip = chip, Calibration = Samples };

        var outcome = QuantizationRun.Run(Model, request, WorkStages.Silent, default);

        Assert.Contains(outcome.Quantization.Warnings, warning => warning.StartsWith("no layer was lifted: norm-ratio", StringComparison.Ordinal));
        Assert.Null(QuantizationRun.Run(Model, request with { TakesAsItComes = true }, WorkStages.Silent, default).Choice);
    }

    [Fact]
    [Raises(ProblemCode.NodeNotQuantized, ProblemCode.PrecisionNotAllowed)]
    public void Nodes_and_precisions_that_are_not_there_are_told_together()
    {
        var precisions = new Dictionary<string, LayerPrecision> { ["/classifier/Gemn"] = LayerPrecision.Float, ["/classifier/Gemm"] = LayerPrecision.Half };
        var request = new QuantizationRequest { Chip = ChipProfiles.Find("x64-vnni"), Calibration = Samples, Precisions = precisions };

        var problems = Assert.Throws<LoraOpsException>(() => QuantizationRun.Run(Model, request, WorkStages.Silent, default)).Problems;

        Assert.Equal([ProblemCode.NodeNotQuantized, ProblemCode.PrecisionNotAllowed], problems.Select(problem => problem.Code));
        Assert.Contains("/classifier/Gemm", problems[0].What, StringComparison.Ordinal);
    }

    private static QuantizationOutcome Run(ChipProfile chip, Gate gate) => QuantizationRun.Run(
        Model,
        new QuantizationRequest { Chip = chip, Calibration = Samples, Goal = new PrecisionGoal([gate], Samples) },
        WorkStages.Silent,
        default);

    private static ParityReport Measure(ChipProfile chip, IReadOnlyDictionary<string, LayerPrecision>? precisions)
    {
        var request = new QuantizationRequest { Chip = chip, Calibration = Samples, TakesAsItComes = true };
        return Measure(QuantizationRun.Run(Model, precisions is null ? request : request with { Precisions = precisions }, WorkStages.Silent, default));
    }

    private static ParityReport Measure(QuantizationOutcome outcome)
    {
        using var reference = ParityReference.FromModel(Model);
        using var candidate = OnnxSession.Open(outcome.Quantization.Model);
        return ParityRun.Measure(candidate, reference, Samples, new ParityOptions(), default);
    }
}
