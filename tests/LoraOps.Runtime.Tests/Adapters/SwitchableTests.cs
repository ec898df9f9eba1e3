using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>The manager over models that have their adapters inside.</summary>
public sealed class SwitchableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_adapter_or_the_base_runs_a_whole_batch(bool isBlend)
    {
        using var manager = Open(isBlend);

        Assert.Equal("switchable", manager.Form);
        Assert.Equal(["x"], manager.Inputs.Select(input => input.Name));
        Assert.Equal(["shanghai", "guangzhou"], manager.Adapters.Select(one => one.Id));
        Assert.Equal([13f, 13, 13], Select(manager, "shanghai"));
        Assert.Equal([23f, 23, 23], Select(manager, "guangzhou"));
        Assert.Equal([3f, 3, 3], Select(manager, "base"));
        manager.Preload("guangzhou");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_row_has_its_own_adapter(bool isBlend)
    {
        using var manager = Open(isBlend);

        using var outputs = manager.Run(["guangzhou", "base", "shanghai"], TinyCity.Ones(3));

        Assert.Equal([23f, 3, 13], outputs.Floats("y"));
    }

    [Fact]
    public void Weights_blend_for_all_rows_and_row_by_row()
    {
        using var manager = Open(isBlend: true);
        var half = new Dictionary<string, float> { ["shanghai"] = 0.5f, ["guangzhou"] = 0.25f };
        var none = new Dictionary<string, float>();

        using var all = manager.AcquireBlend(half);
        using var rows = manager.AcquireBlends([none, half]);
        using var first = all.Run(TinyCity.Ones(2));
        using var second = rows.Run(TinyCity.Ones(2));

        Assert.Equal([13f, 13], first.Floats("y"));
        Assert.Equal([3f, 13], second.Floats("y"));
    }

    [Fact]
    [Raises(ProblemCode.RowsDiffer)]
    public void As_many_adapters_as_rows_are_wanted()
    {
        using var manager = Open(isBlend: false);

        Raised.By(ProblemCode.RowsDiffer, () => manager.Run(["base", "shanghai"], TinyCity.Ones(3)));
    }

    [Fact]
    [Raises(ProblemCode.BlendInvalid)]
    public void Weights_are_finite_and_of_adapters()
    {
        using var manager = Open(isBlend: true);

        Raised.By(ProblemCode.BlendInvalid, () => manager.AcquireBlend(new Dictionary<string, float> { ["shanghai"] = float.NaN }));
        Raised.By(ProblemCode.BlendInvalid, () => manager.AcquireBlend(new Dictionary<string, float> { ["base"] = 1 }));
        Raised.By(ProblemCode.AdapterUnknown, () => manager.AcquireBlend(new Dictionary<string, float> { ["beijing"] = 1 }));
    }

    [Fact]
    [Raises(ProblemCode.ChoiceUnsupported)]
    public void What_a_form_cannot_do_is_refused_with_what_can()
    {
        using var manager = Open(isBlend: false);
        var blend = new Dictionary<string, float> { ["shanghai"] = 1 };

        Raised.By(ProblemCode.ChoiceUnsupported, () => manager.AcquireBlend(blend));
        Raised.By(ProblemCode.ChoiceUnsupported, () => manager.AcquireTogether("shanghai", "guangzhou"));
        Raised.By(ProblemCode.ChoiceUnsupported, () => manager.Load("beijing", "beijing.onnx_adapter"));
        Raised.By(ProblemCode.ChoiceUnsupported, () => { manager.Unload("shanghai"); return 0; });
        using var files = AdapterManager.Open(new TinyCity(_folder).Inputs());
        Raised.By(ProblemCode.ChoiceUnsupported, () => files.AcquireRows("base"));
        Raised.By(ProblemCode.ChoiceUnsupported, () => files.AcquireBlends([blend]));
    }

    [Fact]
    public void The_callers_own_choice_is_refused()
    {
        using var manager = Open(isBlend: false);
        var inputs = TinyCity.Ones();
        inputs["adapter"] = OrtValue.CreateTensorValueFromMemory(new long[] { 1 }, [1]);

        Raised.By(ProblemCode.InputTaken, () => manager.Run("base", inputs));
    }

    [Fact]
    public void A_fixed_batch_needs_no_other_input_to_follow()
    {
        var path = new TinyCity(_folder).Switchable(false, "shanghai");
        var model = LoraOps.Onnx.Graphs.OnnxModel.Load(path);
        model.Graph.Input.Single(input => input.Name == "adapter").Type.TensorType.Shape.Dim[0].DimValue = 2;
        model.Save(path);
        using var manager = AdapterManager.Open(path);

        using var outputs = manager.Run(["base", "shanghai"], TinyCity.Ones(2));

        Assert.Equal([3f, 13], outputs.Floats("y"));
    }

    private static float[] Select(AdapterManager manager, string id) => TinyCity.Run(manager, id, batch: 3);

    private AdapterManager Open(bool isBlend) => AdapterManager.Open(new TinyCity(_folder).Switchable(isBlend, "shanghai", "guangzhou"));
}
