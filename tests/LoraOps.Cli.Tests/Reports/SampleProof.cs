using LoraOps.Cli.Reports;
using LoraOps.Onnx.Chips;
using LoraOps.Runtime.Auditing;
using LoraOps.Runtime.Parity;
using LoraOps.Tensors;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>A proof that has every section, as a model of twelve layers would give it; the numbers are made by formulae.</summary>
internal static class SampleProof
{
    private const int Classes = 10;

    /// <summary>One of two gates missed, a chip with findings, layers, an adapter that partly survived.</summary>
    public static ParityProof Failed { get; } = Make();

    /// <summary>The same with nothing missed.</summary>
    public static ParityProof Passed { get; } = Make() with
    {
        Gates = [Gate("cosine>=0.99", 0.99912), Gate("accuracy-drop<=1.5", 0.42)],
        Chip = new(Chip, [], []),
    };

    /// <summary>Outputs and nothing else.</summary>
    public static ParityProof Bare { get; } = new(new ParityReport("int8.onnx", "float.onnx", 4, [Output("logits")], null), []);

    // What the pages say must not change with the profile.
    private static ChipProfile Chip => ChipProfiles.Find("orin-x") with
    {
        Sdk = "TensorRT 8.6 to 11",
        Digest = new string('c', 64),
        Rules = new Dictionary<string, Severity>
        {
            ["TRT-01"] = Severity.Error, ["TRT-03"] = Severity.Warn, ["TRT-07"] = Severity.Warn, ["TRT-12"] = Severity.Warn,
        },
    };

    /// <summary>The full proof with names that strangers chose.</summary>
    public static ParityProof Named(string name)
    {
        var report = Failed.Report;
        return Failed with
        {
            Report = report with
            {
                Candidate = "models/int8.onnx",
                Adapter = name,
                Domain = name,
                Outputs = [Output(name)],
                Accuracy = report.Accuracy! with { Output = name },
                Layers = [.. report.Layers.Select(layer => layer with { Node = name, Op = name, Warnings = [name] })],
                WorstSamples = [.. report.WorstSamples.Select(sample => sample with { Output = name, Domain = name })],
                Survival = report.Survival! with { Origin = name, Modules = [.. report.Survival!.Modules.Select(module => module with { Module = name })] },
                Confusion = report.Confusion! with { Output = name },
                Parts = [.. report.Parts.Select(part => part with { Adapter = name, Domain = name, Outputs = [Output(name)] })],
            },
            Gates = [Gate("cosine>=0.999", 0.98) with { Output = name }],
            Chip = new ChipAudit(Chip, [new Finding("TRT-01", Severity.Error, name, name, name)], []),
            Kernels = Failed.Kernels! with { Floats = [new FloatLayer(name, name, name)] },
            Files = [new ComparedFile(name, name, new string('a', 64))],
        };
    }

    private static ParityProof Make() => new(Report(), [Gate("cosine>=0.9995", 0.99912), Gate("accuracy-drop<=1.5", 0.42)])
    {
        Files =
        [
            new("candidate", "shanghai-int8.onnx", string.Concat(Enumerable.Repeat("3f9a61c0", 8))),
            new("reference", "shanghai.onnx", string.Concat(Enumerable.Repeat("07be42d1", 8))),
            new("inputs", "eval-shanghai.safetensors", string.Concat(Enumerable.Repeat("c81d5e77", 8))),
        ],
        Chip = new ChipAudit(Chip,
        [
            new("TRT-03", Severity.Warn, "/vit/encoder/layer.3/Add_1", "adds a quantized and a float branch", "Quantize the skip connection as well."),
            new("TRT-07", Severity.Warn, "/classifier/Gemm", "has 10 output channels, fewer than 16", "Leave it in FP16."),
        ],
        [new UncheckedRule("TRT-12", "there are no hand-off files")]),
        Kernels = new KernelAudit(
            new FusionCounts(
                new Dictionary<string, int> { ["MatMulIntegerToFloat"] = 24, ["QLinearConv"] = 1 }, 14, 9, ["/classifier/Gemm", "/vit/pooler/MatMul"], 142),
            [
                new("/classifier/Gemm", "Gemm", "its weight is float in the file"),
                new("/vit/pooler/MatMul", "MatMul", "its weight is quantized, its input is not: the weight is turned back to float"),
            ]),
    };

    private static ParityReport Report() => new("out/shanghai-int8.onnx", "out/shanghai.onnx", 360, [Output("logits")], new("logits", 360, 0.9639, 0.9681))
    {
        Adapter = "shanghai",
        Domain = "",
        Parts = [Part("shanghai", 0.9722, 0.9722), Part("guangzhou", 0.9583, 0.9694), Part("chengdu-rain", 0.9611, 0.9628)],
        WorstSamples = [.. Enumerable.Range(0, 6).Select(at => new WorstSample(at * 37, 0.981 + (at * 0.002))
        {
            Output = "logits", Domain = at % 2 == 0 ? "shanghai" : "guangzhou", Label = at, Candidate = at < 2 ? 9 - at : at, Reference = at,
        })],
        Confusion = Confusion(),
        Layers = [.. Enumerable.Range(0, 12).Select(Layer)],
        Survival = new SurvivalReport
        {
            EffectCosine = 0.947, EffectRatio = 1.021, Origin = "the quantized base",
            Effects = [new("logits", 0.947, 1.021)],
            Modules = [.. Enumerable.Range(0, 6).Select(Module)],
        },
    };

    private static ParityReport Part(string domain, double candidate, double reference) =>
        new("out/shanghai-int8.onnx", "out/shanghai.onnx", 120, [Output("logits")], new("logits", 120, candidate, reference))
        {
            Adapter = "shanghai", Domain = domain,
        };

    private static LayerReport Layer(int at) => new()
    {
        Node = at == 11 ? "/classifier/Gemm" : $"/vit/encoder/layer.{at / 4}/attention/attention/{(at % 2 == 0 ? "query" : "value")}/MatMul_{at}",
        Op = at == 11 ? "Gemm" : "MatMul",
        Precision = at == 11 ? "float" : "int8",
        WeightSqnr = at == 11 ? double.PositiveInfinity : 43 - at + (at % 3),
        ActivationSqnr = at == 11 ? null : 36 - (1.7 * at) + (at % 4),
        OutputSqnr = 38 - (1.6 * at),
        RangeMin = -3.5 - at,
        RangeMax = 4.25 + at,
        ClipShare = at == 7 ? 0.00213 : 0,
        PeakToRms = 5.5 + (at * 6),
        ValueHistogram = Bell(-6 - at, 6 + at, 7),
        ErrorHistogram = Bell(-0.08, 0.08, 5),
        Warnings = at == 7 ? ["peak/rms is 47.5", "activation below 27 dB"] : [],
    };

    private static ModuleSurvival Module(int at) => new()
    {
        Module = $"vit.encoder.layer.{at / 2}.attention.attention.{(at % 2 == 0 ? "query" : "value")}",
        Node = $"/vit/encoder/layer.{at / 2}/MatMul_{at}",
        DeltaCosine = 0.99 - (at * 0.15),
        Rho = 1.01,
        SnrDelta = 18 - (at * 5.5),
        SmallestSnrDelta = 9 - (at * 5.5),
        ChangedCodes = 0.61 - (at * 0.1),
        ScaleRatio = 1.02,
        ClippedShare = at == 5 ? 0.0004 : 0,
        Verdict = at < 3 ? SurvivalVerdict.Kept : at < 5 ? SurvivalVerdict.Doubtful : SurvivalVerdict.Buried,
    };

    private static Histogram Bell(double min, double max, double steepness) => new(min, max, [.. Enumerable.Range(0, 64).Select(bin =>
    {
        var place = ((bin + 0.5) / 32) - 1;
        return (long)(20000 * Math.Exp(-steepness * place * place));
    })]);

    private static Confusion Confusion()
    {
        long[] Counts(int lost) => [.. from label in Enumerable.Range(0, Classes)
                                      from said in Enumerable.Range(0, Classes)
                                      select label == said ? 36L - (label % 3) - lost : said == (label + 5) % Classes ? (label % 3) + lost : 0];
        return new Confusion("logits", Classes, Counts(1), Counts(0));
    }

    private static GateResult Gate(string text, double measured)
    {
        var gate = LoraOps.Runtime.Parity.Gate.Parse(text);
        var missed = gate.Operator[0] == '>' ? gate.Limit - measured : measured - gate.Limit;
        return new GateResult(gate, "logits", measured, missed <= 0, missed);
    }

    private static OutputParity Output(string name) => new()
    {
        Name = name,
        SampleShape = new TensorShape(Classes),
        Values = 3600,
        CandidateNotFinite = 0,
        ReferenceNotFinite = 0,
        Broken = 0,
        Cosine = 0.99912,
        WorstCosine = 0.98104,
        Sqnr = 27.53,
        MaxAbs = 0.41,
        MeanAbs = 0.052,
        NormRatio = 1.0021,
        Kl = 0.0042,
        Top1 = 0.9889,
    };
}
