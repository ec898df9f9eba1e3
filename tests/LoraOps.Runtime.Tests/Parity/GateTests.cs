using LoraOps.Problems;
using LoraOps.Runtime.Parity;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Tests.Parity;

public sealed class GateTests
{
    [Theory]
    [InlineData("cosine>=0.999", "cosine", ">=", 0.999)]
    [InlineData(" max-abs < 1e-3 ", "max-abs", "<", 0.001)]
    [InlineData("accuracy-drop<=1.5", "accuracy-drop", "<=", 1.5)]
    [InlineData("sqnr>-3", "sqnr", ">", -3)]
    public void Reads_metric_operator_and_limit(string text, string metric, string sign, double limit) =>
        Assert.Equal(new Gate(metric, sign, limit), Gate.Parse(text));

    [Fact]
    public void Every_metric_may_have_a_gate() =>
        Assert.All(Metrics.All, metric => Assert.Equal($"{metric.Name}>=0.5", Gate.Parse($"{metric.Name} >= 0.5").ToString()));

    [Theory]
    [InlineData("cosine")]
    [InlineData("cosine=0.9")]
    [InlineData("")]
    [InlineData("cosine>=")]
    [InlineData("cosine>=much")]
    [InlineData("cosine>=NaN")]
    [InlineData("cosine>=1e999")]
    [InlineData(">=0.9")]
    [InlineData("cosine>=0,9")]
    [InlineData("cosine>=99%")]
    public void Refuses_what_is_no_gate(string text) =>
        Assert.Equal(ProblemCode.GateInvalid, Assert.Single(Assert.Throws<LoraOpsException>(() => Gate.Parse(text)).Problems).Code);

    [Fact]
    public void Lists_the_metrics_and_the_nearest_for_an_unknown_one()
    {
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Gate.Parse("cosin>=1")).Problems);

        Assert.Equal(ExitCode.Usage, problem.Code.ExitCode());
        Assert.All(Metrics.All, metric => Assert.Contains(metric.Name, problem.What, StringComparison.Ordinal));
        Assert.Contains("nearest: 'cosine'", problem.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cosine>=0.5", true)]
    [InlineData("cosine>0.5", false)]
    [InlineData("cosine<=0.5", true)]
    [InlineData("cosine<0.5", false)]
    [InlineData("cosine>=0.4", true)]
    [InlineData("cosine>=0.6", false)]
    [InlineData("cosine<0.6", true)]
    [InlineData("cosine<=0.4", false)]
    public void Compares_as_the_operator_says(string gate, bool passes) =>
        Assert.Equal(passes, Gate.Parse(gate).Judge(Report(Output("y", 0.5))).Passed);

    [Fact]
    public void Judges_the_worst_output()
    {
        var report = Report(Output("good", 0.99), Output("bad", 0.2), Output("fair", 0.7));

        Assert.Equal("bad", Gate.Parse("cosine>=0.5").Judge(report).Output);
        Assert.Equal("good", Gate.Parse("cosine<=0.5").Judge(report).Output);
        Assert.Equal(0.3, Gate.Parse("cosine>=0.5").Judge(report).MissedBy, 12);
    }

    [Fact]
    public void No_gate_lets_a_value_pass_that_is_no_number()
    {
        var report = Report(Output("good", 0.9), Output("broken", double.NaN)) with
        {
            Accuracy = new TaskAccuracy("y", 1, double.NaN, 1),
            Survival = new SurvivalReport { Modules = [Module("m", 0.9), Module("n", double.NaN)], Effects = [new OutputEffect("y", double.NaN, double.NaN)] },
        };
        foreach (var metric in Metrics.All.Where(metric => metric.Name != "reference-accuracy"))
        {
            foreach (var sign in new[] { ">=-1e300", "<=1e300", ">-1e300", "<1e300" })
            {
                var result = Gate.Parse(metric.Name + sign).Judge(report);

                Assert.False(result.Passed, result.Gate.ToString());
                Assert.Contains("which no gate lets pass", result.Problem("m.onnx")!.What, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_missed_gate_says_by_how_much_and_exits_3()
    {
        var problem = Gate.Parse("cosine>=0.75").Judge(Report(Output("y", 0.5))).Problem("m.onnx")!;

        Assert.Equal("LORA8001: m.onnx: cosine of 'y' is 0.5; the gate cosine>=0.75 misses it by 0.25."
            + " Do not ship it: change the chip, the calibration data or the adapter, or loosen the gate knowingly.", problem.ToString());
        Assert.Equal(ExitCode.GateFailed, problem.Code.ExitCode());
        Assert.Null(Gate.Parse("cosine>=0.5").Judge(Report(Output("y", 0.5))).Problem("m.onnx"));
    }

    [Fact]
    public void A_gate_on_what_was_not_measured_is_refused()
    {
        var gates = new[] { Gate.Parse("accuracy>=0.1"), Gate.Parse("top1>=0"), Gate.Parse("cosine>=0") };
        var report = Report(Output("y", 1) with { Top1 = null });

        var error = Assert.Throws<LoraOpsException>(() => GateResult.Judge(gates, report));

        Assert.Equal(2, error.Problems.Count);
        Assert.All(error.Problems, problem => Assert.Equal(ProblemCode.GateUnmeasured, problem.Code));
        Assert.Contains("no labels", error.Problems[0].What, StringComparison.Ordinal);
        Assert.Contains("classes", error.Problems[1].What, StringComparison.Ordinal);
    }

    [Fact]
    public void Accuracy_is_a_share_and_its_drop_is_in_points()
    {
        var report = Report(Output("y", 1)) with { Accuracy = new TaskAccuracy("y", 200, 0.9, 0.925) };

        Assert.Equal(0.9, Gate.Parse("accuracy>=0.5").Judge(report).Measured);
        Assert.Equal(0.925, Gate.Parse("reference-accuracy>=0.5").Judge(report).Measured);
        Assert.Equal(2.5, Gate.Parse("accuracy-drop<=1.5").Judge(report).Measured, 12);
        Assert.Equal(3, GateResult.Judge([Gate.Parse("accuracy>=0"), Gate.Parse("cosine>0"), Gate.Parse("kl<1")], report).Count);
    }

    private static ParityReport Report(params OutputParity[] outputs) => new("m.onnx", "r.onnx", 1, outputs, null);

    private static ModuleSurvival Module(string name, double cosine) => new()
    {
        Module = name,
        Node = name,
        DeltaCosine = cosine,
        Rho = 1,
        SnrDelta = 1,
        SmallestSnrDelta = 1,
        ChangedCodes = 1,
        ScaleRatio = 1,
        ClippedShare = 0,
        Verdict = SurvivalVerdict.Buried,
    };

    private static OutputParity Output(string name, double value) => new()
    {
        Name = name,
        SampleShape = new TensorShape(2),
        Values = 2,
        CandidateNotFinite = 0,
        Broken = 0,
        ReferenceNotFinite = 0,
        Cosine = value,
        WorstCosine = value,
        Sqnr = value,
        MaxAbs = value,
        MeanAbs = value,
        NormRatio = value,
        Kl = value,
        Top1 = value,
    };
}
