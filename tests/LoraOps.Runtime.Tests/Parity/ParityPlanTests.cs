using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Parity;

/// <summary>The forms by hand: a real layer with overridable inputs, and sums that a number or weights choose.</summary>
public sealed class ParityPlanTests : IDisposable
{
    private static readonly string Layer = Fixtures.Path("bev-vit", "ort", "one-layer.onnx");
    private static readonly string Shanghai = Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_with_inputs_is_the_base_without_an_adapter_and_the_adapter_with_it()
    {
        var record = LayerRecord("record", "y_adapter", "base_y");

        var (bare, active) = (Measure(Layer, Expected(record)), Measure(Layer, Expected(record, Shanghai)));

        Assert.Equal(("base", "base_y"), (bare.Adapter, bare.Against));
        Assert.Equal(("shanghai-layer0-query", "y"), (active.Adapter, active.Against));
        Assert.All(new[] { bare, active }, report => Assert.InRange(report.Outputs[0].MaxAbs, 0, 1e-5));
        Assert.Empty(bare.Parts);
    }

    [Fact]
    public void A_record_of_one_output_is_taken_for_the_base()
    {
        var report = Measure(Layer, Expected(LayerRecord("record", "y_base", null)));

        Assert.Equal(("base", "y"), (report.Adapter, report.Against));
        Assert.InRange(report.Outputs[0].MaxAbs, 0, 1e-5);
    }

    [Fact]
    public void Adapters_in_files_are_measured_one_after_another()
    {
        var report = Measure(Layer, new ParityRequest
        {
            Expected = [new("sh", LayerRecord("a", "y_adapter", "base_y")), new("base", LayerRecord("b", "y_adapter", "base_y"))],
            Adapters = [new("sh", Shanghai)],
        });

        Assert.Equal([("sh", "y"), ("base", "base_y")], report.Parts.Select(part => (part.Adapter, part.Against)));
        Assert.All(report.Parts.Append(report), part => Assert.InRange(part.Outputs[0].MaxAbs, 0, 1e-5));
        Assert.Equal(report.Samples, report.Parts.Sum(part => part.Samples));
    }

    [Fact]
    public void A_reference_of_the_same_form_gets_the_same_adapter()
    {
        var inputs = SampleSet.Open(LayerRecord("a", "y_adapter", null));
        ParityRequest Request(params NamedValue[] adapters) => new() { Reference = Layer, Inputs = inputs, Adapters = adapters };

        var (bare, active) = (Measure(Layer, Request()), Measure(Layer, Request(new NamedValue("", Shanghai))));

        Assert.Equal((0, ""), (bare.Outputs[0].MaxAbs, bare.Against));
        Assert.Equal((0, "with the same adapter"), (active.Outputs[0].MaxAbs, active.Against));
    }

    [Fact]
    public void An_adapter_that_does_not_fit_is_not_run()
    {
        var model = OnnxModel.Load(Layer);
        new FormMetadata { Form = "inputs", BaseDigest = "00000005", Dialect = "canonical" }.Write(model);
        model.Save(_folder["m.onnx"]);
        var record = LayerRecord("record", "y_adapter", "base_y");
        OnnxAdapterFile.Write(_folder["a"], OnnxAdapterFile.Read(Shanghai) with { ModelVersion = 0 });

        Refused(ProblemCode.AdapterOfOtherModel, _folder["m.onnx"], Expected(record, Shanghai));
        Refused(ProblemCode.AdapterOfOtherModel, _folder["m.onnx"], Expected(record, _folder["a"]));
        Refused(ProblemCode.FileMissing, _folder["m.onnx"], Expected(record, _folder["none"]));
        Assert.InRange(Measure(_folder["m.onnx"], Expected(record, _folder["a"]) with { AllowsForeign = true }).Outputs[0].MaxAbs, 0, 1e-5);
        Refused(ProblemCode.AdapterInputUnknown, Layer, Expected(record, Fixtures.Path("bev-vit", "ort", "golden-1-1.onnx_adapter")));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 3)]
    public void An_adapter_in_the_graph_is_chosen_by_name_or_number(bool blends, long batch)
    {
        var model = Switchable(blends, batch);

        foreach (var (word, name, by) in new[] { ("one", "one", 1f), ("2", "two", 10f), ("1", "one", 1f), ("0", "base", 0f), ("base", "base", 0f) })
        {
            var report = Measure(model, Expected(Record(word, by), word));
            Assert.Equal((name, 0), (report.Adapter, report.Outputs[0].MaxAbs));
        }

        var bare = Measure(model, Expected(Record("bare", 1)));
        Assert.Equal(("base", "base_y", 0.0), (bare.Adapter, bare.Against, bare.Outputs[0].MaxAbs));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 3)]
    public void Rows_of_several_adapters_are_mixed_in_a_batch_and_each_held_against_its_own_record(bool blends, long batch)
    {
        var report = Measure(Switchable(blends, batch), new ParityRequest
        {
            Expected = [new("two", Record("a", 10, 5)), new("one", Record("b", 1.5f, 3)), new("base", Record("c", 7, 4))],
        });

        Assert.Equal((12, 0.5), (report.Samples, report.Outputs[0].MaxAbs));
        Assert.Equal(
            [("two", "y", 5, 0), ("one", "y", 3, 0.5), ("base", "base_y", 4, 0)],
            report.Parts.Select(part => (part.Adapter, part.Against, part.Samples, part.Outputs[0].MaxAbs)));
        Assert.Equal("", report.Adapter);

        var missed = new Gate("max-abs", "<=", 0.1).Judge(report);
        Assert.Equal((false, 0.5), (missed.Passed, missed.Measured));
    }

    [Fact]
    public void A_gate_holds_for_each_adapter_not_for_the_whole_alone()
    {
        var report = Measure(Switchable(false, 0), new ParityRequest { Expected = [new("two", Record("a", 10, 5)), new("one", Record("b", 1.5f, 3))] });

        var missed = new Gate("mean-abs", "<=", 0.3).Judge(report);

        Assert.Equal(("y of one", 0.5), (missed.Output, missed.Measured));
        Assert.InRange(report.Outputs[0].MeanAbs, 0.1, 0.2);
    }

    [Fact]
    public void Data_may_choose_for_each_sample_themselves()
    {
        var data = new DataFile(_folder, "chosen").Floats("x", [2, 2], 1, 2, 3, 4).Longs("adapter", [2], 2, 1).Floats("y", [2, 2], 11, 12, 4, 5).Open();

        var report = Measure(Switchable(false, 0), Expected(data.Path));

        Assert.Equal(("as the data say", "y", 0), (report.Adapter, report.Against, report.Outputs[0].MaxAbs));
        Refused(ProblemCode.AdapterChoiceInvalid, Switchable(false, 0), Expected(data.Path, "one"));
    }

    [Fact]
    public void A_reference_that_lists_other_adapters_is_refused()
    {
        var inputs = SampleSet.Open(Record("r", 1));
        var (model, same, other) = (Switchable(false, 0), Switchable(true, 0, ["one", "two"], "same"), Switchable(true, 0, ["two", "one"], "other"));

        Assert.Equal(0, Measure(model, new ParityRequest { Reference = same, Inputs = inputs, Adapters = [new("", "two")] }).Outputs[0].MaxAbs);
        Refused(ProblemCode.AdapterChoiceInvalid, model, new ParityRequest { Reference = other, Inputs = inputs, Adapters = [new("", "two")] });
    }

    [Fact]
    [Raises(ProblemCode.AdapterChoiceInvalid)]
    public void Adapters_that_are_not_there_are_refused()
    {
        var (record, plain) = (Record("r", 1), SmallModel.Shift(0).Save(_folder["plain.onnx"]));

        Refused(ProblemCode.AdapterChoiceInvalid, Switchable(false, 0), Expected(record, "three"));
        Refused(ProblemCode.AdapterChoiceInvalid, Switchable(false, 0), Expected(record, "3"));
        Refused(ProblemCode.AdapterChoiceInvalid, Switchable(false, 0), Expected(record, "-1"));
        Refused(ProblemCode.AdapterChoiceInvalid, Switchable(false, 0), Named("", record, new("", "1"), new("", "2")));
        Refused(ProblemCode.AdapterChoiceInvalid, plain, Expected(record, "one"));
        Refused(ProblemCode.AdapterChoiceInvalid, plain, new ParityRequest { Expected = [new("one", record)] });
        var layer = LayerRecord("l", "y_adapter", "base_y");
        Refused(ProblemCode.AdapterChoiceInvalid, Layer, new ParityRequest { Expected = [new("a", layer)] });
        Refused(ProblemCode.AdapterChoiceInvalid, Layer, Named("", layer, new("a", Shanghai), new("b", Shanghai)));
        Refused(ProblemCode.AdapterChoiceInvalid, Layer, Named("a", layer, new("a", Shanghai), new("b", Shanghai)));
    }

    private static ParityReport Measure(string model, ParityRequest request)
    {
        using var session = OnnxSession.Open(model);
        using var plan = ParityPlan.Make(session, request);
        return ParityRun.Measure(session, plan.Passes, new ParityOptions());
    }

    private static void Refused(ProblemCode code, string model, ParityRequest request) =>
        Assert.Equal(code, Assert.Throws<LoraOpsException>(() => Measure(model, request)).Problems[0].Code);

    private static ParityRequest Expected(string record, string? adapter = null) =>
        new() { Expected = [new("", record)], Adapters = adapter is null ? [] : [new("", adapter)] };

    private static ParityRequest Named(string name, string record, params NamedValue[] adapters) =>
        new() { Expected = [new(name, record)], Adapters = adapters };

    // x and y of the real layer as ONNX Runtime computed them.
    private string LayerRecord(string name, string output, string? baseOutput)
    {
        var real = SampleSet.Open(Fixtures.Path("bev-vit", "ort", "expected.safetensors"));
        DataFile Add(DataFile file, string tensor, string from) => file.Floats(tensor, real.Find(from)!.Shape.Dims.ToArray(), real.Find(from)!.ToFloats());
        var file = Add(Add(new DataFile(_folder, name + ".safetensors"), "x", "x"), "y", output);
        return (baseOutput is null ? file : Add(file, baseOutput, "y_base")).Open().Path;
    }

    // Samples of seeded numbers, and themselves with a number added.
    private string Record(string name, float by, int count = 5)
    {
        float[] x = [.. Enumerable.Range(0, count * 2).Select(i => (float)i)];
        return new DataFile(_folder, $"{name}{by}.safetensors").Floats("x", [count, 2], x).Floats("base_y", [count, 2], x)
            .Floats("y", [count, 2], [.. x.Select(value => value + by)]).Open().Path;
    }

    // y = x + 1 for 'one', x + 10 for 'two'.
    private string Switchable(bool blends, long batch, string[]? adapters = null, string name = "m")
    {
        var model = new SmallModel().Input("x", DataType.Float, batch, 2).Output("y", DataType.Float, batch, 2);
        model = blends
            ? model.Input("adapter_weights", DataType.Float, batch, 2).Floats("t", [2, 2], 1, 1, 10, 10).Node("MatMul", "adapter_weights t", "d")
            : model.Input("adapter", DataType.Int64, batch).Floats("t", [3, 2], 0, 0, 1, 1, 10, 10).Node("Gather", "t adapter", "d");
        var built = model.Node("Add", "x d", "y").Build(_folder[name + ".onnx"]);
        new FormMetadata { Form = "switchable", BaseDigest = "00000001", Adapters = adapters ?? ["one", "two"] }.Write(built);
        built.Save(built.Path);
        return built.Path;
    }
}
