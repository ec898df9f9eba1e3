using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Runtime.Surviving;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Surviving;

public sealed class AdapterSurvivalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("x64-vnni")]
    [InlineData("orin-x")]
    public void An_adapter_far_above_the_step_is_kept(string chip)
    {
        var (plain, merged) = (Layer(0), Layer(0.05f));
        var candidate = Quantized(merged, chip);

        var module = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, candidate, null), default));

        Assert.Equal("/head/MatMul", module.Node);
        Assert.Equal("head", module.Module);
        Assert.True(module.DeltaCosine > 0.99, $"{module}");
        Assert.Equal(SurvivalVerdict.Kept, module.Verdict);
        Assert.Equal(0, module.ClippedShare);
    }

    [Fact]
    public void A_quantized_base_and_its_imitation_agree()
    {
        var (plain, merged) = (Layer(0), Layer(0.02f));
        var (candidate, other) = (Quantized(merged, "x64-vnni"), Quantized(plain, "x64-vnni"));

        var real = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, candidate, other), default));
        var imitated = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, candidate, null), default));

        Assert.Equal(real.DeltaCosine, imitated.DeltaCosine, 4);
        Assert.Equal(real.ChangedCodes, imitated.ChangedCodes, 4);
    }

    [Fact]
    public void The_truth_is_that_of_the_dequantized_weights()
    {
        var (plain, merged) = (Layer(0), Layer(0.02f));
        var (candidate, other) = (Quantized(merged, "x64-vnni"), Quantized(plain, "x64-vnni"));
        var (w, v) = (Weight(merged), Weight(plain));
        var (q, p) = (Weight(candidate), Weight(other));
        double dot = 0, mine = 0, theirs = 0;
        for (var i = 0; i < w.Length; i++)
        {
            var (dq, dw) = ((double)q[i] - p[i], (double)w[i] - v[i]);
            dot += dq * dw;
            mine += dq * dq;
            theirs += dw * dw;
        }

        var module = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, candidate, other), default));

        Assert.Equal(dot / Math.Sqrt(mine * theirs), module.DeltaCosine, 12);
        Assert.Equal(dot / theirs, module.Rho, 12);
    }

    [Fact]
    [Raises(ProblemCode.AdapterBuried)]
    public void An_adapter_below_the_step_of_a_weight_with_an_outlier_is_caught()
    {
        var (plain, merged) = (Layer(0, outlier: 40), Layer(0.01f, outlier: 40));
        var paths = new[] { plain, merged, Quantized(merged, PerTensor()), Quantized(plain, PerTensor()) }
            .Select((model, i) => Saved(model, $"{i}.onnx")).ToArray();
        var request = new ParityRequest { Reference = paths[1], Base = paths[0], BaseCandidate = paths[3], Inputs = Data() };

        var report = Report(paths[2], request);
        var results = GateResult.Judge(SurvivalGates.Complete([], report), report);
        var problem = results.Select(result => result.Problem(paths[2])).OfType<Problem>().First();

        var module = Assert.Single(report.Survival!.Modules);
        Assert.True(module.DeltaCosine < 0.6, $"{module}");
        Assert.Equal(SurvivalVerdict.Buried, module.Verdict);
        Assert.Equal(ProblemCode.AdapterBuried, problem.Code);
        Assert.Equal(ExitCode.GateFailed, problem.Code.ExitCode());
        Assert.Contains("'head'", problem.What, StringComparison.Ordinal);
        Assert.Contains("int16", problem.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void The_effect_on_the_outputs_is_that_of_the_four_models()
    {
        var (plain, merged) = (Layer(0), Layer(0.05f));
        var models = new[] { plain, merged, Quantized(merged, "x64-vnni"), Quantized(plain, "x64-vnni") };
        var paths = models.Select((model, i) => Saved(model, $"{i}.onnx")).ToArray();
        var data = Data();
        var request = new ParityRequest { Reference = paths[1], Base = paths[0], BaseCandidate = paths[3], Inputs = data };

        var report = Report(paths[2], request);

        var outputs = paths.Select(path => Outputs(path, data)).ToArray();
        double dot = 0, mine = 0, theirs = 0;
        for (var i = 0; i < outputs[0].Length; i++)
        {
            var (candidate, reference) = ((double)outputs[2][i] - outputs[3][i], (double)outputs[1][i] - outputs[0][i]);
            dot += candidate * reference;
            mine += candidate * candidate;
            theirs += reference * reference;
        }

        Assert.Equal(dot / Math.Sqrt(mine * theirs), report.Survival!.EffectCosine!.Value, 12);
        Assert.Equal(Math.Sqrt(mine / theirs), report.Survival.EffectRatio!.Value, 12);
        Assert.Equal("the quantized base", report.Survival.Origin);
        Assert.True(report.Survival.EffectCosine > 0.9);
        Assert.Equal(["delta-cosine>=0.6", "effect-cosine>=0.9"], SurvivalGates.Complete([], report).Select(gate => gate.ToString()));
        Assert.Equal(
            ["effect-cosine>=0.5", "delta-cosine>=0.6"],
            SurvivalGates.Complete([Gate.Parse("effect-cosine>=0.5")], report).Select(gate => gate.ToString()));
    }

    [Fact]
    [Raises(ProblemCode.NothingChanged)]
    public void A_model_is_not_its_own_base() => Refuses(
        ProblemCode.NothingChanged, new SurvivalModels(Layer(0), Layer(0), Quantized(Layer(0), "x64-vnni"), null));

    [Fact]
    [Raises(ProblemCode.OriginDiffers)]
    public void Another_model_is_no_base() => Refuses(
        ProblemCode.OriginDiffers, new SurvivalModels(Layer(0.1f), Layer(0, node: "/other/MatMul"), Quantized(Layer(0.1f), "x64-vnni"), null));

    [Fact]
    [Raises(ProblemCode.LayerUnfound)]
    public void A_candidate_of_another_model_is_refused() => Refuses(
        ProblemCode.LayerUnfound, new SurvivalModels(Layer(0.1f), Layer(0), Quantized(Layer(3, node: "/other/MatMul", seed: 5), "x64-vnni"), null));

    [Fact]
    public void A_layer_that_lost_its_name_is_known_by_its_weight()
    {
        var candidate = Quantized(Layer(0.05f, node: "node_7"), "x64-vnni");

        var module = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(Layer(0.05f), Layer(0), candidate, null), default));

        Assert.Equal("node_7", module.Node);
        Assert.True(module.DeltaCosine > 0.99);
    }

    [Fact]
    public void Factors_that_recovery_moved_out_of_a_weight_are_taken_out_again()
    {
        var (plain, merged) = (Layer(0), Layer(0.05f));
        var smoothed = merged.Clone();
        var values = smoothed.Read(smoothed.Graph.Initializer[0]).ToFloats();
        for (var i = 0; i < values.Length; i++)
            values[i] *= (i / Outs) % 2 == 0 ? 0.7f : 1.5f;

        smoothed.Write(smoothed.Graph.Initializer[0], System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

        var straight = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, Quantized(merged, "x64-vnni"), null), default));
        var module = Assert.Single(AdapterSurvival.Measure(new SurvivalModels(merged, plain, Quantized(smoothed, "x64-vnni"), null), default));

        Assert.InRange(module.DeltaCosine, straight.DeltaCosine - 0.06, 1);
        Assert.InRange(module.Rho, 0.9, 1.1);
    }

    private const int Ins = 48;
    private const int Outs = 32;

    private static void Refuses(ProblemCode code, SurvivalModels models) =>
        Assert.Equal(code, Assert.Single(Assert.Throws<LoraOpsException>(() => AdapterSurvival.Measure(models, default)).Problems).Code);

    // W + size · B·A of rank 2; an outlier makes the step of the whole tensor coarse.
    private static OnnxModel Layer(float size, float outlier = 0, string node = "/head/MatMul", int seed = 1)
    {
        var random = new Random(seed);
        var weight = Enumerable.Range(0, Ins * Outs).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var a = Enumerable.Range(0, 2 * Ins).Select(_ => (random.NextSingle() - 0.5f) * 2).ToArray();
        var b = Enumerable.Range(0, 2 * Outs).Select(_ => (random.NextSingle() - 0.5f) * 2).ToArray();
        for (var i = 0; i < weight.Length; i++)
        {
            var (k, n) = (i / Outs, i % Outs);
            weight[i] += size * ((a[k] * b[n]) + (a[Ins + k] * b[Outs + n]));
        }

        if (outlier != 0)
            weight[5] = outlier;

        return new SmallModel()
            .Input("x", DataType.Float, 0, Ins)
            .Floats("head.weight", [Ins, Outs], weight)
            .Named(node, "MatMul", "x head.weight", "y")
            .Output("y", DataType.Float, 0, Outs)
            .Build();
    }

    private OnnxModel Quantized(OnnxModel model, string chip) => Quantized(model, ChipProfiles.Find(chip));

    private OnnxModel Quantized(OnnxModel model, ChipProfile chip) =>
        QuantizationRun.Run(model, new QuantizationRequest { Chip = chip, Calibration = Data() }, WorkStages.Silent, default).Quantization.Model;

    private static ChipProfile PerTensor()
    {
        var chip = ChipProfiles.Find("x64-vnni");
        return chip with { Weights = chip.Weights with { PerChannel = false } };
    }

    private SampleSet Data()
    {
        if (File.Exists(_folder["data.safetensors"]))
            return SampleSet.Open(_folder["data.safetensors"]);

        var random = new Random(3);
        return new DataFile(_folder).Floats("x", [16, Ins], [.. Enumerable.Range(0, 16 * Ins).Select(_ => random.NextSingle() - 0.5f)]).Open();
    }

    private static float[] Weight(OnnxModel model) => Assert.Single(LayerWeights.Find(model)).Values();

    private static float[] Outputs(string path, SampleSet data)
    {
        using var session = OnnxSession.Open(path);
        return session.Run(data, 0, data.Count)["y"].Values;
    }

    private string Saved(OnnxModel model, string name)
    {
        model.Save(_folder[name]);
        return _folder[name];
    }

    private static ParityReport Report(string candidate, ParityRequest request)
    {
        using var session = OnnxSession.Open(candidate);
        using var plan = ParityPlan.Make(session, request);
        return AdapterSurvival.Complete(ParityRun.Measure(session, plan.Passes, new ParityOptions(), default), request, default);
    }
}
