using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Quantizing.WeightOnly;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Auditing;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Runtime.Tests.Forms;

namespace LoraOps.Runtime.Tests.Quantizing;

/// <summary>Every export of every trained model, quantized without calibration data: ONNX Runtime loads each, and it is near the float model.</summary>
public sealed class SchemeTests
{
    // The least that each scheme reaches on any of them: 4 bits of blocks of 32 cost what theory says, about 20 dB of a weight each.
    public static IReadOnlyList<(QuantizationScheme Scheme, WeightOnlySettings Weights, double Sqnr)> Schemes { get; } =
    [
        (QuantizationScheme.Dynamic, new WeightOnlySettings(), 22),
        (QuantizationScheme.Weights, new WeightOnlySettings(), 35),
        (QuantizationScheme.Weights, new WeightOnlySettings { IsAsymmetric = true }, 35),
        (QuantizationScheme.Weights, new WeightOnlySettings { Format = WeightFormat.Qdq }, 30),
        (QuantizationScheme.Weights, new WeightOnlySettings { BlockSize = 0 }, 30),
        (QuantizationScheme.Weights, new WeightOnlySettings { Bits = 4 }, 10),
        (QuantizationScheme.Weights, new WeightOnlySettings { Bits = 4, BlockSize = 16, IsAsymmetric = true }, 10),
        (QuantizationScheme.Weights, new WeightOnlySettings { Bits = 4, BlockSize = 128, AccuracyLevel = 4 }, 8),
        (QuantizationScheme.Weights, new WeightOnlySettings { Bits = 4, Format = WeightFormat.Qdq }, 10),
        (QuantizationScheme.Weights, new WeightOnlySettings { Bits = 4, Format = WeightFormat.Qdq, IsAsymmetric = true }, 10),
    ];

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void ONNX_Runtime_loads_every_model_that_we_write(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        var model = OnnxModel.Load(export.Model);
        var data = SampleSet.Open(export.Reference("base"));
        using var reference = ParityReference.FromModel(model);
        foreach (var (scheme, weights, least) in Schemes)
        {
            var request = new QuantizationRequest { Chip = ChipProfiles.Find("x64-vnni"), Scheme = scheme, Weights = weights };
            var outcome = QuantizationRun.Run(model, request, WorkStages.Silent, default);
            using var session = OnnxSession.Open(outcome.Quantization.Model);
            var report = ParityRun.Measure(session, reference, data, new ParityOptions(), default);
            var sqnr = report.Outputs.Min(output => output.Sqnr);

            Assert.True(sqnr >= least, $"{export.Name} {request.SchemeName}: {sqnr}");
        }
    }

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Dynamic_layers_run_integer_kernels(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        var request = new QuantizationRequest { Chip = ChipProfiles.Find("x64-vnni"), Scheme = QuantizationScheme.Dynamic };
        var quantization = QuantizationRun.Run(OnnxModel.Load(export.Model), request, WorkStages.Silent, default).Quantization;
        var counts = FusionAudit.Count(quantization.Model);

        Assert.Equal(quantization.Nodes.Count(node => node.IsQuantized), counts.IntegerNodes);
        Assert.DoesNotContain("MatMulInteger", counts.Integer.Keys);
        Assert.DoesNotContain("ConvInteger", counts.Integer.Keys);
    }
}
