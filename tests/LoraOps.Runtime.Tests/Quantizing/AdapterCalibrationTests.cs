using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Quantizing;

/// <summary>Models that have several adapters: fixed ranges must hold what each of them does.</summary>
public sealed class AdapterCalibrationTests : IDisposable
{
    private static readonly string[] Cities = ["shanghai", "guangzhou"];

    private readonly TemporaryFolder _folder = new();

    private static OnnxModel Base { get; } = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));

    private static IReadOnlyList<WeightedAdapter> Adapters { get; } =
        [.. Cities.Select(city => new WeightedAdapter(PeftReader.Read(Fixtures.Path("bev-vit", "adapters", city))))];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_adapter_of_the_form_inputs_survives_on_an_int8_base()
    {
        var conversion = InputsForm.Convert(Base, Adapters, new MappingOptions());
        foreach (var adapter in conversion.Adapters)
            OnnxAdapterFile.Write(_folder[adapter.Name + ".onnx_adapter"], adapter.Content);

        var outcome = Quantize(conversion.Model, conversion.Adapters.Select(one => new AdapterSamples(one.Name, Samples(one.Name), one.Content)));

        Prove(outcome, city => _folder[city + ".onnx_adapter"]);
    }

    [Fact]
    public void Every_adapter_of_the_form_switchable_survives_on_an_int8_base()
    {
        var model = SwitchableForm.Convert(Base, Adapters, new MappingOptions(), new FormOptions()).Model;

        var outcome = Quantize(model, Cities.Select(city => new AdapterSamples(city, Samples(city), null)));

        Prove(outcome, city => city);
    }

    [Fact]
    public void Ranges_hold_every_adapter_and_say_what_that_costs()
    {
        var content = InputsForm.Convert(Base, Adapters, new MappingOptions());
        AdapterSamples[] both = [.. content.Adapters.Select(one => new AdapterSamples(one.Name, Samples(one.Name), one.Content))];

        var shared = Quantize(content.Model, both).Calibrated!;
        var alone = QuantizationRun.Run(
            content.Model, new QuantizationRequest { Chip = Chip, Adapters = [both[1]] }, WorkStages.Silent, default).Calibrated!;

        Assert.All(alone.Ranges, own => Assert.True(shared.Ranges[own.Key].Min <= own.Value.Min && shared.Ranges[own.Key].Max >= own.Value.Max, own.Key));
        Assert.Empty(alone.Costs);
        Assert.Equal(["", .. Cities], shared.Costs.Select(cost => cost.Adapter));
        var worst = alone.Ranges.Max(own => 20 * Math.Log10(Extent(shared.Ranges[own.Key]) / Extent(own.Value)));
        Assert.Equal(worst, shared.Costs[2].Decibels, 1e-9);

        static double Extent(LoraOps.Onnx.Quantizing.TensorRange range) => Math.Max(range.Max, 0.0) - Math.Min(range.Min, 0.0);
    }

    [Fact]
    [Raises(ProblemCode.AdapterRangesMissing, ProblemCode.AdapterToCalibrateUnknown)]
    public void Ranges_of_the_base_alone_are_no_ranges_for_adapters()
    {
        var inputs = InputsForm.Convert(Base, Adapters, new MappingOptions()).Model;
        var switchable = SwitchableForm.Convert(Base, Adapters, new MappingOptions(), new FormOptions()).Model;

        Assert.Equal(ProblemCode.AdapterRangesMissing, Refusal(inputs, []));
        Assert.Equal(ProblemCode.AdapterToCalibrateUnknown, Refusal(inputs, [new AdapterSamples("shanghai", Samples("shanghai"), null)]));
        Assert.Equal(ProblemCode.AdapterToCalibrateUnknown, Refusal(switchable, [new AdapterSamples("paris", Samples("shanghai"), null)]));
    }

    private static ChipProfile Chip { get; } = ChipProfiles.Find("x64-vnni");

    private static SampleSet Samples(string city) => SampleSet.Open(Fixtures.Path("bev-vit", "reference", city + ".safetensors"));

    private static ProblemCode Refusal(OnnxModel model, IEnumerable<AdapterSamples> adapters) =>
        Assert.Throws<LoraOpsException>(() => Quantize(model, adapters)).Problems[0].Code;

    private static QuantizationOutcome Quantize(OnnxModel model, IEnumerable<AdapterSamples> adapters) => QuantizationRun.Run(
        model,
        new QuantizationRequest { Chip = Chip, Calibration = Samples("base"), Adapters = [.. adapters] },
        WorkStages.Silent,
        default);

    private static void Prove(QuantizationOutcome outcome, Func<string, string> adapter)
    {
        using var candidate = OnnxSession.Open(outcome.Quantization.Model);
        foreach (var city in Cities)
        {
            var request = new ParityRequest
            {
                Expected = [new NamedValue("", Fixtures.Path("bev-vit", "reference", city + ".safetensors"))],
                Adapters = [new NamedValue("", adapter(city))],
            };
            using var plan = ParityPlan.Make(candidate, request);
            Assert.InRange(ParityRun.Measure(candidate, plan.Passes, new ParityOptions()).Outputs[0].Sqnr, 28, 60);
        }
    }
}
