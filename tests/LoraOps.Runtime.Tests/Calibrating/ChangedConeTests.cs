using LoraOps.Adapters;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Preparing;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Calibrating;

public sealed class ChangedConeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Every city of bev-vit whose calibration data are here, with every way to choose ranges.</summary>
    public static TheoryData<string, string> Cities
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var file in Directory.EnumerateFiles(Folder("calibration")).Order(StringComparer.Ordinal))
            {
                var city = Path.GetFileNameWithoutExtension(file);
                if (!Directory.Exists(Path.Combine(Folder("adapters"), city)))
                    continue;

                foreach (var calibrator in Calibrators.All)
                    data.Add(city, calibrator.Name);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cities))]
    public void Measuring_the_cone_alone_gives_what_measuring_everything_gives(string city, string calibrator)
    {
        var chip = ChipProfiles.Find("x64-vnni");
        var data = SampleSet.Open(Path.Combine(Folder("calibration"), city + ".safetensors"));
        var settings = new CalibrationSettings { Calibrator = Calibrators.Find(calibrator)!, Codes = CodeLevels.Of(chip.Activations) };
        var origin = GraphPreparation.Prepare(OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx")));
        var adapted = GraphPreparation.Prepare(Merged(city));
        var tensors = StaticQuantizer.TensorsToCalibrate(adapted, chip);
        var before = Calibration.Run(origin, StaticQuantizer.TensorsToCalibrate(origin, chip), data, settings, null, default);
        var plan = new CalibrationPlan { Settings = settings, BaseRanges = RangeFile.Of(origin, before, settings, data) };

        var cone = plan.Run(adapted, tensors, data, null, default);
        var full = Calibration.Run(adapted, tensors, data, settings, null, default);

        // The bound is zero: what is upstream is computed by the same kernels from the same numbers.
        Assert.Equal(full.Tensors.Select(Facts), cone.Tensors.Select(Facts));
        Assert.InRange(cone.TakenOver, 1, tensors.Count - 1);
        Assert.Equal(tensors.Count - cone.TakenOver, tensors.Intersect(ChangedCone.Of(origin, adapted)).Count());
        Assert.All(cone.Drifts, drift => Assert.False(drift.IsUnchanged));
    }

    [Fact]
    public void On_other_data_everything_is_measured_and_what_moved_is_told()
    {
        var model = Chain(2, 3).Build();
        var (small, large) = (Data("small", 1), Data("large", 2));
        var plan = new CalibrationPlan { BaseRanges = Ranges(model, small) };

        var moved = plan.Run(Chain(2, 5).Build(), ["a", "b"], large, null, default);

        Assert.Equal(0, moved.TakenOver);
        Assert.Equal(Calibration.Run(Chain(2, 5).Build(), ["a", "b"], large, new CalibrationSettings(), null, default).Ranges, moved.Ranges);
        var (a, b) = (moved.Drifts.Single(drift => drift.Tensor == "a"), moved.Drifts.Single(drift => drift.Tensor == "b"));
        Assert.Equal((2.0, true, true), (a.Ratio, a.IsUnchanged, a.IsLarge));
        Assert.Equal(1.0 / 3, a.Clipped, 1e-3);
        Assert.Equal((10.0 / 3, false), (b.Ratio, b.IsUnchanged));
    }

    [Fact]
    public void With_other_settings_nothing_is_taken_over()
    {
        var (model, data) = (Chain(2, 3).Build(), Data("data", 1));
        var plan = new CalibrationPlan { BaseRanges = Ranges(model, data), Settings = new CalibrationSettings { Calibrator = Calibrators.Percentile } };

        Assert.Equal(0, plan.Run(model, ["a", "b"], data, null, default).TakenOver);
    }

    [Fact]
    [Raises(ProblemCode.RangesForeign)]
    public void Ranges_of_another_model_are_refused_by_the_names_of_what_differs()
    {
        var file = Ranges(Chain(2, 3).Build(), Data("data", 1));

        Assert.Equal(2, file.For(Chain(2, 3).Build(), ["a", "b"]).TakenOver);
        var error = Assert.Throws<LoraOpsException>(() => file.For(Chain(2, 5).Build(), ["a", "b"]));

        var problem = Assert.Single(error.Problems);
        Assert.Equal(ProblemCode.RangesForeign, problem.Code);
        Assert.Contains("1 of the 2 tensors", problem.What, StringComparison.Ordinal);
        Assert.Contains("'b'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_computed_counts_and_names_do_not()
    {
        var origin = Chain(2, 3).Build();
        var renamed = new SmallModel().Input("x", DataType.Float, 0, 3).Floats("k", [], 2).Floats("l", [], 3)
            .Named("other", "Mul", "x k", "p").Node("Mul", "p l", "q").Output("q", DataType.Float, 0, 3).Build();
        Assert.Empty(ChangedCone.Of(origin, renamed));
        Assert.Equal(["a", "b"], ChangedCone.Of(origin, Chain(4, 3).Build()));
        Assert.Equal(["b"], ChangedCone.Of(origin, Chain(2, 5).Build()));

        var swapped = new SmallModel().Input("x", DataType.Float, 0, 3).Floats("c", [], 2).Floats("d", [], 3)
            .Node("Mul", "c x", "a").Node("Div", "a d", "b").Output("b", DataType.Float, 0, 3).Build();
        Assert.Equal(["a", "b"], ChangedCone.Of(origin, swapped));
        var newer = Chain(2, 3).Build();
        newer.Proto.OpsetImport[0].Version = 18;
        Assert.Equal(["a", "b"], ChangedCone.Of(origin, newer));
    }

    private static (string Name, TensorRange Range, TensorRange Observed) Facts(CalibratedTensor tensor) => (tensor.Name, tensor.Range, tensor.Observed);

    private static string Folder(string name) =>
        Fixtures.Shared is { } shared ? Path.Combine(shared, "models", "bev-vit", name) : Fixtures.Path("bev-vit", name);

    private static OnnxModel Merged(string city)
    {
        var model = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));
        var adapter = PeftReader.Read(Path.Combine(Folder("adapters"), city));
        return MergedForm.Convert(model, [new WeightedAdapter(adapter)], new MappingOptions()).Model;
    }

    private SampleSet Data(string name, float scale) =>
        new DataFile(_folder, name + ".safetensors").Floats("x", [2, 3], -3 * scale, -1, 0.5f, 1, 0, 2 * scale).Open();

    private static RangeFile Ranges(OnnxModel model, SampleSet data) =>
        RangeFile.Of(model, Calibration.Run(model, ["a", "b"], data, new CalibrationSettings(), null, default), new CalibrationSettings(), data);

    private static SmallModel Chain(float first, float second) => new SmallModel().Input("x", DataType.Float, 0, 3)
        .Floats("c", [], first).Floats("d", [], second).Node("Mul", "x c", "a").Node("Mul", "a d", "b").Output("b", DataType.Float, 0, 3);
}
