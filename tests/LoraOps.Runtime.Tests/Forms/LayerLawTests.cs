using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>What holds for every kind of layer: the forms differ in how they are run, not in what they give.</summary>
public sealed class LayerLawTests : IDisposable
{
    private const int Samples = 6;
    private const float Limit = 1e-5f;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Cases() => [.. LayerCase.All.Select(one => one.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_active_adapter_is_the_merged_one_and_an_idle_model_the_base(string name)
    {
        var (model, adapters) = Read(name);
        Check(model, adapters, Onnx.Branches.BranchRule.Auto);
        Check(model, adapters, Onnx.Branches.BranchRule.Always);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_row_is_its_own_adapters(string name)
    {
        var (model, adapters) = Read(name);
        using var session = Open(SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Positions = 1 }).Model);
        long[] rows = [.. Enumerable.Range(0, Samples).Select(row => (long)(row * 7 % (adapters.Count + 1)))];
        using var numbers = OrtValue.CreateTensorValueFromMemory(rows, [Samples]);
        var together = Run(session, null, ("adapter", numbers));
        var truths = adapters.Select(adapter => Merged(model, adapter)).Prepend(Base(model)).ToList();
        var row = together.Length / Samples;
        for (var sample = 0; sample < Samples; sample++)
        {
            var range = (sample * row)..((sample + 1) * row);
            Assert.InRange(ReferenceRun.Largest(together[range], truths[(int)rows[sample]][range]), 0, Limit);
        }
    }

    // One layer is affine in its weights: a blend of adapters is the blend of what they give.
    [Theory]
    [InlineData("Gemm with alpha, beta and DoRA")]
    [InlineData("rows folded into the batch")]
    [InlineData("the sequence first")]
    [InlineData("three layers of one value")]
    [InlineData("q, k and v in one weight")]
    [InlineData("one module over three nodes")]
    [InlineData("an embedding with DoRA")]
    [InlineData("a saved module and a bias")]
    public void A_blend_adds_what_its_adapters_change(string name)
    {
        var (model, adapters) = Read(name);
        using var session = Open(SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Blends = true }).Model);
        var random = new Random(5);
        float[] weights = [.. Enumerable.Range(0, Samples * adapters.Count).Select(_ => (3 * random.NextSingle()) - 1)];
        using var given = OrtValue.CreateTensorValueFromMemory(weights, [Samples, adapters.Count]);
        var actual = Run(session, null, ("adapter_weights", given));
        var none = Base(model);
        var expected = Array.ConvertAll(none, value => (double)value);
        foreach (var (at, adapter) in adapters.Index())
        {
            var own = Merged(model, adapter);
            for (var i = 0; i < own.Length; i++)
                expected[i] += weights[(i / (own.Length / Samples) * adapters.Count) + at] * ((double)own[i] - none[i]);
        }

        Assert.InRange(ReferenceRun.Largest(actual, Array.ConvertAll(expected, value => (float)value)), 0, 2 * Limit);
    }

    [Fact]
    public void A_replaced_value_is_in_the_file_once()
    {
        var (model, adapters) = Read("a saved module and a bias");
        var converted = InputsForm.Convert(model, adapters, new MappingOptions()).Model;
        var read = converted.AllNodes().SelectMany(node => node.Input).ToHashSet(StringComparer.Ordinal);
        Assert.All(converted.Graph.Initializer, tensor => Assert.Contains(tensor.Name, read));
    }

    [Fact]
    public void Many_adapters_are_gathered_and_few_are_mixed()
    {
        var (model, adapters) = Read("many adapters");
        var many = SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Positions = 1, Samples = 1 });
        Assert.All(many.Sites, site => Assert.StartsWith("gathered", site.Pattern, StringComparison.Ordinal));
        var few = SwitchableForm.Convert(model, [adapters[0], adapters[1]], new MappingOptions());
        Assert.All(few.Sites, site => Assert.StartsWith("mixed", site.Pattern, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("rows folded into the batch", 64)]
    [InlineData("many adapters", 1)]
    [InlineData("three layers of one value", 64)]
    public void A_fixed_batch_keeps_every_shape_static(string name, long positions)
    {
        var (model, adapters) = Read(name);
        foreach (var port in model.Graph.Input.Concat(model.Graph.Output))
            port.Type.TensorType.Shape.Dim[0] = new Onnx.Proto.TensorShapeProto.Types.Dimension { DimValue = Samples };

        var converted = SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Positions = positions }).Model;
        Assert.DoesNotContain(converted.AllNodes(), node => node.OpType is "Shape" or "If");
        Assert.Equal(Samples, converted.Graph.Input.Single(input => input.Name == "adapter").Type.TensorType.Shape.Dim[0].DimValue);
        using var session = Open(converted);
        using var numbers = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(2L, Samples).ToArray(), [Samples]);
        Assert.InRange(ReferenceRun.Largest(Run(session, null, ("adapter", numbers)), Merged(model, adapters[1])), 0, Limit);
    }

    // Sums of halves are rounded at other places: some units of 2⁻¹¹ at values around 1.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Halves_stay_halves_in_every_form(int number)
    {
        var (model, adapters) = (LayerCase.Halves[number].Model(), LayerCase.Halves[number].Read(_folder));
        var conversion = InputsForm.Convert(model, adapters, new MappingOptions());
        using var inputs = Open(conversion.Model);
        using var switchable = Open(SwitchableForm.Convert(model, adapters, new MappingOptions()).Model);
        using var blend = Open(SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Blends = true }).Model);
        Assert.InRange(ReferenceRun.Largest(Run(inputs), Base(model)), 0, number == 0 ? 0 : 1e-3f);
        foreach (var (at, adapter) in adapters.Index())
        {
            var merged = Merged(model, adapter);
            Assert.InRange(ReferenceRun.Largest(Run(inputs, conversion.Adapters[at]), merged), 0, 4e-3f);
            Assert.InRange(ReferenceRun.Largest(RunAll(switchable, at, null), merged), 0, 4e-3f);
            Assert.InRange(ReferenceRun.Largest(RunAll(blend, at, adapters.Count), merged), 0, 4e-3f);
        }
    }

    [Fact]
    public void A_weight_scales_all_that_an_adapter_does()
    {
        var (model, adapters) = Read("Gemm with alpha, beta and DoRA");
        List<WeightedAdapter> half = [.. adapters.Select(adapter => adapter with { Weight = 0.5 })];
        var conversion = InputsForm.Convert(model, half, new MappingOptions());
        using var session = Open(conversion.Model);
        foreach (var (adapter, named) in half.Zip(conversion.Adapters))
            Assert.InRange(ReferenceRun.Largest(Run(session, named), Merged(model, adapter)), 0, Limit);
    }

    private void Check(OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, Onnx.Branches.BranchRule rule)
    {
        var conversion = InputsForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Branch = rule });
        using var session = Open(conversion.Model);
        Assert.InRange(ReferenceRun.Largest(Run(session), Base(model)), 0, 1e-6f);
        foreach (var (adapter, named) in adapters.Zip(conversion.Adapters))
            Assert.InRange(ReferenceRun.Largest(Run(session, named), Merged(model, adapter)), 0, Limit);
    }

    private (OnnxModel Model, IReadOnlyList<WeightedAdapter> Adapters) Read(string name)
    {
        var one = LayerCase.All.First(one => one.Name == name);
        return (one.Model(), one.Read(_folder));
    }

    private float[] Base(OnnxModel model)
    {
        using var session = Open(model);
        return Run(session);
    }

    private float[] Merged(OnnxModel model, WeightedAdapter adapter)
    {
        using var session = Open(MergedForm.Convert(model, [adapter], new MappingOptions()).Model);
        return Run(session);
    }

    private InferenceSession Open(OnnxModel model)
    {
        model.Save(_folder["opened.onnx"]);
        return ReferenceRun.Open(_folder["opened.onnx"]);
    }

    private float[] Run(InferenceSession session, NamedAdapter? active = null, (string Name, OrtValue Value)? more = null)
    {
        using var x = Input(session);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        if (more is { } given)
            inputs.Add(given.Name, given.Value);

        using var run = new RunOptions();
        using var adapter = active is null ? null : OrtLoraAdapter.Create(OnnxAdapterFile.ToBytes(active.Content), null);
        if (adapter is not null)
            run.AddActiveLoraAdapter(adapter);

        using var results = session.Run(run, inputs, ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    // Every sample has the same adapter, by its number or by its weight.
    private float[] RunAll(InferenceSession session, int adapter, int? adapters)
    {
        var rows = Enumerable.Repeat(adapter + 1L, Samples).ToArray();
        using var chosen = adapters is { } count ? MixedBatch.OneHot(rows, count) : MixedBatch.Numbers(rows);
        return Run(session, null, (adapters is null ? "adapter" : "adapter_weights", chosen));
    }

    private static OrtValue Input(InferenceSession session)
    {
        var random = new Random(9);
        var metadata = session.InputMetadata["x"];
        long[] shape = [Samples, .. metadata.Dimensions[1..].Select(dim => (long)dim)];
        var count = (int)shape.Aggregate(1L, (product, dim) => product * dim);
        return metadata.ElementType == typeof(long)
            ? OrtValue.CreateTensorValueFromMemory(Enumerable.Range(0, count).Select(_ => random.NextInt64(11)).ToArray(), shape)
            : OrtValue.CreateTensorValueFromMemory(Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f).ToArray(), shape);
    }
}
