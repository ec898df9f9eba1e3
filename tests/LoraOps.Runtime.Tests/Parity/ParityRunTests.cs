using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Tensors;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Parity;

public sealed class ParityRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Holds_a_model_against_another_model()
    {
        using var reference = ParityReference.FromModel(Model("reference.onnx", SmallModel.Shift(0)));

        var report = ParityRun.Measure(Model("m.onnx", SmallModel.Shift(0.5f)), reference, Inputs());

        Assert.Equal(2, report.Samples);
        Assert.Equal(_folder["m.onnx"], report.Candidate);
        Assert.Equal(_folder["reference.onnx"], report.Reference);
        var output = Assert.Single(report.Outputs);
        Assert.Equal("y", output.Name);
        Assert.Equal(0.5, output.MaxAbs);
        Assert.Equal(0.5, output.MeanAbs);
        Assert.Null(report.Accuracy);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(4, 3)]
    public void Batches_of_the_two_models_may_differ(long candidate, long other)
    {
        using var reference = ParityReference.FromModel(Model("reference.onnx", SmallModel.Shift(0, other)));

        var report = ParityRun.Measure(Model("m.onnx", SmallModel.Shift(0.5f, candidate)), reference, Inputs());

        Assert.Equal(6, report.Outputs[0].Values);
        Assert.Equal(0.5, report.Outputs[0].MeanAbs);
    }

    [Fact]
    public void Holds_a_model_against_a_record()
    {
        var record = Data().Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Floats("y", [2, 3], 1, 2, 3, 4, 5, 6)
            .Floats("base_y", [2, 3], 1, 2, 3, 4, 5, 7).Open();
        using var plain = ParityReference.FromRecord(record);
        using var prefixed = ParityReference.FromRecord(record, "base_");
        var model = Model("m.onnx", SmallModel.Shift(0));

        Assert.Equal(0, ParityRun.Measure(model, plain, record).Outputs[0].MaxAbs);
        Assert.Equal(1, ParityRun.Measure(model, prefixed, record).Outputs[0].MaxAbs);
    }

    [Fact]
    public void Scores_labels_of_candidate_and_reference()
    {
        // The candidate is the reference backwards: of the rows (1 2 3) and (6 5 4) each meets the other's label.
        var record = Data().Floats("x", [3, 3], 1, 2, 3, 6, 5, 4, 1, 5, 2).Floats("y", [3, 3], 3, 2, 1, 4, 5, 6, 1, 5, 2)
            .Longs("labels", [3], 2, 2, -100).Open();
        using var reference = ParityReference.FromRecord(record);

        var accuracy = ParityRun.Measure(Model("m.onnx", SmallModel.Shift(0)), reference, record).Accuracy!;

        Assert.Equal(new TaskAccuracy("y", 2, 0.5, 0.5), accuracy);
        Assert.Equal(0, accuracy.Drop);
    }

    [Fact]
    public void Scores_every_position()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 2, 2).Node("Neg", "x", "y").Output("y", DataType.Float, 0, 2, 2);
        var record = Data().Floats("x", [2, 2, 2], 1, 2, 2, 1, 1, 2, 2, 1).Floats("y", [2, 2, 2], 1, 2, 2, 1, 1, 2, 2, 1).Open();
        var labels = new DataFile(_folder, "labels.safetensors").Add("labels", ElementType.I32, [2, 2], 0, 0, -100, 1).Open();
        using var reference = ParityReference.FromRecord(record);

        var report = ParityRun.Measure(Model("m.onnx", model), reference, record, new ParityOptions { Labels = labels });

        Assert.Equal(3, report.Accuracy!.Scored);
        Assert.Equal(2 / 3.0, report.Accuracy.Candidate, 12);
        Assert.Equal(1 / 3.0, report.Accuracy.Reference, 12);
        Assert.Equal(-100 / 3.0, report.Accuracy.Drop, 12);
    }

    [Fact]
    public void A_scored_row_that_is_no_number_spoils_the_accuracy()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Node("Log", "x", "y").Output("y", DataType.Float, 0, 3);
        var record = Data().Floats("x", [1, 3], 1, 2, -1).Floats("y", [1, 3], 1, 2, 3).Longs("labels", [1], 2).Open();
        using var reference = ParityReference.FromRecord(record);

        var report = ParityRun.Measure(Model("m.onnx", model), reference, record);

        Assert.Equal(double.NaN, report.Accuracy!.Candidate);
        Assert.Equal(1, report.Accuracy.Reference);
        Assert.Equal(double.NaN, report.Outputs[0].Cosine);
        Assert.Equal(1, report.Outputs[0].CandidateNotFinite);
    }

    [Fact]
    public void Compares_only_the_outputs_that_are_asked_for()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Node("Neg", "x", "y").Node("Abs", "x", "z")
            .Output("y", DataType.Float, 0, 3).Output("z", DataType.Float, 0, 3);
        var record = Data().Floats("x", [1, 3], 1, 2, 3).Floats("z", [1, 3], 1, 2, 3).Open();
        using var reference = ParityReference.FromRecord(record);
        var path = Model("m.onnx", model);

        Assert.Equal(ProblemCode.ExpectationMissing, Fails(() => ParityRun.Measure(path, reference, record)));
        Assert.Equal("z", Assert.Single(ParityRun.Measure(path, reference, record, new ParityOptions { Outputs = ["z"] }).Outputs).Name);
    }

    [Fact]
    public void Refuses_what_does_not_fit_together()
    {
        var model = Model("m.onnx", SmallModel.Shift(0));
        var inputs = Inputs();
        using var other = ParityReference.FromModel(Model("o.onnx", new SmallModel().Input("x", DataType.Float, 0, 3)
            .Node("Neg", "x", "z").Output("z", DataType.Float, 0, 3)));
        using var fewer = ParityReference.FromRecord(new DataFile(_folder, "fewer").Floats("y", [1, 3], 1, 2, 3).Open());
        using var shaped = ParityReference.FromRecord(new DataFile(_folder, "shaped").Floats("y", [2, 3, 1], 1, 2, 3, 4, 5, 6).Open());

        Assert.Equal(ProblemCode.ExpectationMissing, Fails(() => ParityRun.Measure(model, other, inputs)));
        Assert.Equal(ProblemCode.SampleCountsDiffer, Fails(() => ParityRun.Measure(model, fewer, inputs)));
        Assert.Equal(ProblemCode.ExpectationShape, Fails(() => ParityRun.Measure(model, shaped, inputs)));
    }

    [Theory]
    [InlineData(ProblemCode.LabelsInvalid, new long[] { 2 }, new long[] { 3, 0 })]
    [InlineData(ProblemCode.LabelsInvalid, new long[] { 2 }, new long[] { -1, 0 })]
    [InlineData(ProblemCode.LabelsInvalid, new long[] { 2, 1 }, new long[] { 1, 0 })]
    [InlineData(ProblemCode.SampleCountsDiffer, new long[] { 1 }, new long[] { 1 })]
    public void Refuses_labels_that_do_not_fit(ProblemCode code, long[] dims, long[] values)
    {
        var labels = new DataFile(_folder, "labels").Longs("labels", dims, values).Open();

        Assert.Equal(code, Fails(() => MeasureWith(labels)));
    }

    [Fact]
    public void Refuses_labels_of_other_positions()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3, 1).Node("Neg", "x", "y").Output("y", DataType.Float, 0, 3, 1);
        var record = Data().Floats("x", [1, 3, 1], 1, 2, 3).Floats("y", [1, 3, 1], 1, 2, 3).Longs("labels", [1, 2], 0, 0).Open();
        using var reference = ParityReference.FromRecord(record);

        Assert.Equal(ProblemCode.LabelsInvalid, Fails(() => ParityRun.Measure(Model("m.onnx", model), reference, record)));
    }

    [Fact]
    public void Refuses_a_file_of_labels_without_labels_or_with_floats()
    {
        var none = new DataFile(_folder, "none").Longs("label", [2], 1, 0).Open();
        var floats = new DataFile(_folder, "floats").Floats("labels", [2], 1, 0).Open();

        Assert.Equal(ProblemCode.LabelsMissing, Fails(() => MeasureWith(none)));
        Assert.Equal(ProblemCode.LabelsInvalid, Fails(() => MeasureWith(floats)));
    }

    [Fact]
    public void Labels_that_the_model_takes_as_an_input_are_no_answer_key()
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Input("labels", DataType.Int64, 0)
            .Node("Neg", "x", "y").Output("y", DataType.Float, 0, 3);
        var record = Data().Floats("x", [1, 3], 1, 2, 3).Floats("y", [1, 3], 1, 2, 3).Longs("labels", [1], 99).Open();
        using var reference = ParityReference.FromRecord(record);

        Assert.Null(ParityRun.Measure(Model("m.onnx", model), reference, record).Accuracy);
    }

    [Fact]
    public void Stops_when_it_is_asked_to()
    {
        using var reference = ParityReference.FromModel(Model("r.onnx", SmallModel.Shift(0)));
        var model = Model("m.onnx", SmallModel.Shift(0));

        Assert.Throws<OperationCanceledException>(
            () => ParityRun.Measure(model, reference, Inputs(), stop: new CancellationToken(true)));
    }

    [Fact]
    public void The_trained_base_meets_the_accuracy_that_its_trainer_wrote_down()
    {
        var data = SampleSet.Open(Fixtures.Path("bev-vit", "eval", "shanghai.safetensors"));
        var path = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
        using var reference = ParityReference.FromModel(Fixtures.Path("bev-vit", "onnx", "dynamo", "model.onnx"));

        var report = ParityRun.Measure(path, reference, data);

        Assert.Equal(500, report.Accuracy!.Scored);
        Assert.Equal(0.034, report.Accuracy.Candidate, 12);
        Assert.True(report.Outputs[0].MaxAbs < 1e-4);
        Assert.True(report.Outputs[0].WorstCosine > 0.999999);
    }

    [Fact]
    public void Padded_positions_agree_with_the_record_as_all_others()
    {
        var record = SampleSet.Open(Fixtures.Path("voice-gpt2", "reference", "base.safetensors"));
        using var reference = ParityReference.FromRecord(record);

        var report = ParityRun.Measure(Fixtures.Path("voice-gpt2", "onnx", "torchscript", "model.onnx"), reference, record);

        Assert.Contains(0, record.Find("attention_mask")!.ToFloats());
        Assert.True(report.Outputs[0].MaxAbs < 1e-4);
        Assert.Equal(report.Accuracy!.Candidate, report.Accuracy.Reference);
    }

    private ParityReport MeasureWith(SampleSet labels)
    {
        using var reference = ParityReference.FromModel(Model("r.onnx", SmallModel.Shift(0)));
        var inputs = new DataFile(_folder, Path.GetRandomFileName()).Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Open();
        return ParityRun.Measure(Model("m.onnx", SmallModel.Shift(0)), reference, inputs, new ParityOptions { Labels = labels });
    }

    private static ProblemCode Fails(Func<ParityReport> measure) =>
        Assert.Single(Assert.Throws<LoraOpsException>(measure).Problems).Code;

    private string Model(string name, SmallModel model) => model.Save(_folder[name]);

    private SampleSet Inputs() => new DataFile(_folder, "inputs.safetensors").Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Open();

    private DataFile Data() => new(_folder);
}
