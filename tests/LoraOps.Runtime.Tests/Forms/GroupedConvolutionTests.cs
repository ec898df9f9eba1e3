using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// Branches of grouped convolutions against the graph that PEFT runs: the layer, and beside it A's convolution of all channels, B's grouped one
/// and the scale.
/// </summary>
public sealed class GroupedConvolutionTests : IDisposable
{
    private const int Inputs = 6;
    private const int Outputs = 9;
    private const int Samples = 4;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(3, 3)]
    [InlineData(3, 12)]
    public void Both_forms_are_what_PEFT_runs(int groups, int rank)
    {
        List<WeightedAdapter> adapters = [Grouped(groups, rank, "one"), Grouped(groups, rank * 2, "two") with { Weight = -0.5 }];
        var model = Model(groups, null).Build();
        var truths = adapters.Select(adapter => Run(Model(groups, adapter).Build())).Prepend(Run(model)).ToList();
        var inputs = InputsForm.Convert(model, adapters, new MappingOptions());
        Assert.DoesNotContain(inputs.Warnings, warning => warning.Contains("full rank", StringComparison.Ordinal));
        Near(truths[0], Run(inputs.Model));
        Near(truths[1], Run(inputs.Model, inputs.Adapters[0]));
        Near(truths[2], Run(inputs.Model, inputs.Adapters[1]));

        var switchable = SwitchableForm.Convert(model, adapters, new MappingOptions()).Model;
        for (var number = 0L; number < truths.Count; number++)
        {
            using var numbers = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(number, Samples).ToArray(), [Samples]);
            Near(truths[(int)number], Run(switchable, null, numbers));
        }
    }

    [Fact]
    public void Another_number_of_groups_is_another_layer()
    {
        var refused = Assert.Throws<LoraOpsException>(() => InputsForm.Convert(Model(1, null).Build(), [Grouped(3, 6, "one")], new MappingOptions()));
        Assert.Equal(ProblemCode.SiteShapeDiffers, Assert.Single(refused.Problems).Code);
        Assert.Contains("in 3 groups", refused.Message, StringComparison.Ordinal);
    }

    // A plain LoRA of the grouped kernel's own shape is no change beside the layer: nobody trains one, and it is not guessed at.
    [Fact]
    public void Factors_of_one_group_stay_refused()
    {
        var plain = new WeightedAdapter(PeftReader.Read(new TinyAdapter().Convolution("conv", Inputs / 3, Outputs, [3, 3]).WriteTo(_folder["plain"])));
        var alone = Assert.Throws<LoraOpsException>(() => InputsForm.Convert(Model(3, null).Build(), [plain], new MappingOptions()));
        Assert.Equal(ProblemCode.ConvolutionGrouped, Assert.Single(alone.Problems).Code);
        var both = Assert.Throws<LoraOpsException>(() => InputsForm.Convert(Model(3, null).Build(), [Grouped(3, 6, "one"), plain], new MappingOptions()));
        Assert.Equal(ProblemCode.AdaptersConflict, Assert.Single(both.Problems).Code);
    }

    // The adapter's factors in the graph, with the scale and the adapter's weight.
    private static SmallModel Model(int groups, WeightedAdapter? adapter)
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, Inputs, 5, 5)
            .Random("conv.weight", Outputs, Inputs / groups, 3, 3).Random("conv.bias", Outputs)
            .Named("/conv/Conv", "Conv", "x conv.weight conv.bias", adapter is null ? "y" : "plain", SmallModel.Int("group", groups), Pads());
        if (adapter is not null)
        {
            var delta = Assert.IsType<Deltas.GroupedLoraDelta>(Assert.Single(adapter.Adapter.Modules).Delta);
            model.Floats("A", [.. delta.A.Shape.Dims], delta.A.ToFloats()).Floats("B", [.. delta.B.Shape.Dims], delta.B.ToFloats())
                .Floats("scale", [], (float)(adapter.Weight * 8 / delta.A.Shape[0]))
                .Node("Conv", "x A", "a", Pads()).Node("Conv", "a B", "b", SmallModel.Int("group", groups))
                .Node("Mul", "b scale", "s").Node("Add", "plain s", "y");
        }

        return model.Output("y", DataType.Float, 0, Outputs, 5, 5);
    }

    private WeightedAdapter Grouped(int groups, int rank, string name) => new(PeftReader.Read(new TinyAdapter().With("r", $"{rank}")
        .Tensor("base_model.model.conv.lora_A.weight", rank, Inputs, 3, 3)
        .Tensor("base_model.model.conv.lora_B.weight", Outputs, rank / groups, 1, 1).WriteTo(_folder[name])));

    private static AttributeProto Pads() => new() { Name = "pads", Ints = { 1, 1, 1, 1 }, Type = AttributeProto.Types.AttributeType.Ints };

    private static void Near(float[] expected, float[] actual) => Assert.InRange(ReferenceRun.Largest(actual, expected), 0, 1e-5f);

    private float[] Run(OnnxModel model, NamedAdapter? active = null, OrtValue? numbers = null)
    {
        model.Save(_folder["run.onnx"]);
        using var session = ReferenceRun.Open(_folder["run.onnx"]);
        var random = new Random(4);
        float[] values = [.. Enumerable.Range(0, Samples * Inputs * 25).Select(_ => random.NextSingle() - 0.5f)];
        using var x = OrtValue.CreateTensorValueFromMemory(values, [Samples, Inputs, 5, 5]);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        if (numbers is not null)
            inputs.Add("adapter", numbers);

        using var run = new RunOptions();
        using var adapter = active is null ? null : OrtLoraAdapter.Create(OnnxAdapterFile.ToBytes(active.Content), null);
        if (adapter is not null)
            run.AddActiveLoraAdapter(adapter);

        using var results = session.Run(run, inputs, ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
