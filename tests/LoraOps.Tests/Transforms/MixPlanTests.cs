using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Transforms;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Transforms;

/// <summary>What adapters carry beside factors, and what their names and kinds do to the new config.</summary>
public sealed class MixPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_name_that_ends_another_one_keeps_its_own_rank()
    {
        var a = new TinyAdapter().Linear("layers.0.q", 4, 6, rank: 1).WriteTo(_folder["a"]);
        var b = new TinyAdapter().With("r", "3").Linear("model.layers.0.q", 4, 6, rank: 3).Linear("x", 4, 6, rank: 3).WriteTo(_folder["b"]);
        var mixed = Mix("cat", (a, 1), (b, -2));
        Assert.Equal([1, 3, 3], mixed.Modules.Select(module => module.Delta.Rank));
        foreach (var (source, weight) in new[] { (a, 1.0), (b, -2.0) })
        {
            foreach (var module in PeftReader.Read(source).Modules)
                Near(Dense(module).Select(value => weight * value), Dense(mixed.Modules.Single(other => other.Name == module.Name)));
        }

        Assert.Empty(mixed.Warnings);
        Assert.Contains("^layers.0.q", File.ReadAllText(Path.Combine(mixed.Folder, "adapter_config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Saved_modules_without_a_base_are_averaged_by_weight()
    {
        var (a, b) = (Saving("a", 1), Saving("b", 4));
        Assert.Equal([3, 3], Saved(Mix("cat", (a, 1), (b, 2))));
        Assert.Equal([1, 1], Saved(Mix("cat", (a, 1))));
    }

    [Fact]
    public void Saved_modules_with_a_base_add_what_they_change_of_it()
    {
        var (a, b) = (Saving("a", 1), Saving("b", 4));
        var weights = new[] { BufferTensor.FromFloats("head.weight", ElementType.F32, new TensorShape(1, 2), [10, 20]) };
        SafetensorsWriter.Write(_folder["base.safetensors"], weights);
        var request = Request("cat", (a, 1), (b, 2)) with { Base = _folder["base.safetensors"] };
        Assert.Equal([-11, -31], Saved(Run(request)));
    }

    [Fact]
    public void One_adapters_saved_modules_can_be_kept_as_they_are()
    {
        var (a, b) = (Saving("a", 1), Saving("b", 4));
        Assert.Equal([4, 4], Saved(Run(Request("cat", (a, 1), (b, 2)) with { Keep = "b" })));
    }

    [Fact]
    [Raises(ProblemCode.MixBaseNeeded)]
    public void Saved_modules_whose_weights_cancel_need_the_base()
    {
        var request = Request("cat", (Saving("a", 1), 1), (Saving("b", 4), -1));
        Assert.Equal(ProblemCode.MixBaseNeeded, Refused(request).Code);
    }

    [Fact]
    public void A_layer_without_a_bias_gets_one_of_zeros_if_another_has_one()
    {
        var a = new TinyAdapter().With("lora_bias", "true").Linear("q", 3, 2).Tensor("base_model.model.q.lora_B.bias", [1, -1], 2).WriteTo(_folder["a"]);
        var b = new TinyAdapter().Linear("k", 3, 2).WriteTo(_folder["b"]);
        var mixed = Mix("cat", (a, 0.5), (b, 1));
        var biases = mixed.Modules.Where(module => module.Delta.Parameter == "bias").ToDictionary(module => module.Name.Value, module => Values(module.Delta));
        Assert.Equal([0, 0], biases["k"]);
        Assert.Equal([2, -2], biases["q"]);
    }

    [Fact]
    public void What_has_no_factors_is_mixed_by_its_elements()
    {
        var tensors = new[] { ("hada_w1_a", 4, 2), ("hada_w1_b", 2, 3), ("hada_w2_a", 4, 2), ("hada_w2_b", 2, 3) };
        var empty = new TinyAdapter().With("peft_type", "\"LOHA\"").With("alpha", "2").Without("lora_alpha").Without("init_lora_weights");
        var loha = tensors.Aggregate(empty, (made, part) =>
            made.Tensor($"base_model.model.q.{part.Item1}", part.Item2, part.Item3)).WriteTo(_folder["loha"]);
        var lora = new TinyAdapter().Linear("q", 3, 4).WriteTo(_folder["lora"]);
        SafetensorsWriter.Write(_folder["base.safetensors"], [BufferTensor.FromFloats("q.weight", ElementType.F32, new TensorShape(4, 3), new float[12])]);
        var mixed = Run(Request("linear", (loha, 2), (lora, -1)) with { Base = _folder["base.safetensors"] });
        var weight = TargetWeight.Of(new TensorShape(4, 3), new float[12]);
        var wanted = Dense(PeftReader.Read(loha).Modules[0], weight).Zip(Dense(PeftReader.Read(lora).Modules[0]), (a, b) => (2 * a) - b);
        Near(wanted, Dense(mixed.Modules[0]), 1e-6);
        Assert.Equal("LORA", mixed.Config.PeftType);
    }

    [Fact]
    public void Flat_names_become_those_of_the_base()
    {
        var (file, model) = (Fixtures.Path("merge", "bare-kohya", "style.safetensors"), Fixtures.Path("merge", "bare-kohya", "base.safetensors"));
        Assert.Contains(Refused(Request("cat", (file, 1))).Code, new[] { ProblemCode.MixBaseNeeded });
        var mixed = Run(Request("cat", (file, 0.5), (file, 0.5)) with { Base = model });
        using var once = MergePlan.Make(model, [new AdapterSource(file)], _folder["once.safetensors"], new MergeOptions());
        using var twice = MergePlan.Make(model, [new AdapterSource(mixed.Folder)], _folder["twice.safetensors"], new MergeOptions());
        once.Run();
        twice.Run();
        using var expected = SafetensorsFile.Open(_folder["once.safetensors"]);
        using var found = SafetensorsFile.Open(_folder["twice.safetensors"]);
        Assert.All(expected.Tensors, tensor => Near(
            tensor.ToFloats().Select(value => (double)value), [.. found.Find(tensor.Name)!.ToFloats().Select(value => (double)value)], 1e-6));
    }

    [Fact]
    public void A_module_that_comes_to_nothing_is_written_as_zeros()
    {
        var a = new TinyAdapter().Linear("q", 3, 2).WriteTo(_folder["a"]);
        var mixed = Mix("cat", (a, 0));
        Assert.All(Dense(mixed.Modules[0]), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_parameter_that_a_method_does_not_use_is_told()
    {
        var a = new TinyAdapter().Linear("q", 3, 2).WriteTo(_folder["a"]);
        using var plan = MixPlan.Make(Request("cat", (a, 1)) with { Given = ["density", "rank"] });
        Assert.Equal(["method cat does not use density"], plan.Warnings);
    }

    [Fact]
    public void A_result_of_full_rank_says_how_large_it_is()
    {
        var a = new TinyAdapter().With("r", "1").Linear("q", 6000, 5000, rank: 1).WriteTo(_folder["a"]);
        var request = Request("ties", (a, 1)) with { Settings = new MixSettings { Density = 0.5 } };
        using var exact = MixPlan.Make(request);
        using var cut = MixPlan.Make(request with { Settings = request.Settings with { Rank = 4 } });
        Assert.Equal(["method ties gives full rank, 0.2 GB of float32 factors; --rank or --energy cuts it"], exact.Warnings);
        Assert.Empty(cut.Warnings);
    }

    [Fact]
    [Raises(ProblemCode.MixedValueNotFinite)]
    public void A_value_that_the_type_cannot_hold_leaves_nothing()
    {
        var a = new TinyAdapter().Linear("q", 3, 2).WriteTo(_folder["a"]);
        using var plan = MixPlan.Make(Request("cat", (a, 1e9)) with { Type = ElementType.F16 });
        var thrown = Assert.Throws<LoraOpsException>(() => plan.Run());
        Assert.Equal(ProblemCode.MixedValueNotFinite, thrown.Problems[0].Code);
        Assert.False(Directory.Exists(_folder["mixed"]));
    }

    [Fact]
    public void A_mix_that_is_stopped_leaves_nothing()
    {
        var a = Enumerable.Range(0, 40).Aggregate(new TinyAdapter(), (made, at) => made.Linear($"layers.{at}.q", 3, 2)).WriteTo(_folder["a"]);
        using var plan = MixPlan.Make(Request("cat", (a, 1)));
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => plan.Run(done => stop.Cancel(), stop.Token));
        Assert.Equal(["a"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    [Raises(ProblemCode.MixShapesDiffer)]
    public void Saved_modules_of_two_shapes_are_not_averaged()
    {
        var a = Saving("a", 1);
        var b = new TinyAdapter().With("modules_to_save", "[\"head\"]").Linear("q", 3, 2).Tensor("base_model.model.head.weight", 2, 2).WriteTo(_folder["b"]);
        Assert.Equal(ProblemCode.MixShapesDiffer, Refused(Request("cat", (a, 1), (b, 1))).Code);
    }

    private string Saving(string name, float value) => new TinyAdapter().With("modules_to_save", "[\"head\"]").Linear("q", 3, 2)
        .Tensor("base_model.model.head.weight", [value, value], 1, 2).WriteTo(_folder[name]);

    private Adapter Mix(string method, params (string Folder, double Weight)[] adapters) => Run(Request(method, adapters));

    private MixRequest Request(string method, params (string Folder, double Weight)[] adapters) => new()
    {
        Adapters = AdapterSources.Read([.. adapters.Select(adapter => new AdapterSource(adapter.Folder, adapter.Weight))]),
        Method = MixMethods.Find(method)!,
        Output = _folder["mixed"],
        Overwrite = true,
    };

    private static Adapter Run(MixRequest request)
    {
        using (var plan = MixPlan.Make(request))
            plan.Run();

        return PeftReader.Read(request.Output);
    }

    private static Problem Refused(MixRequest request) => Assert.Single(Assert.Throws<LoraOpsException>(() => MixPlan.Make(request)).Problems);

    private static float[] Saved(Adapter mixed) => Assert.Single(mixed.Replacements).Value.ToFloats();

    private static double[] Dense(AdapterModule module, TargetWeight? weight = null) => DeltaMatrices.Of(module.Delta, weight).ToArray();

    private static float[] Values(Delta delta)
    {
        var values = new float[delta.WeightShape!.ElementCount];
        delta.AddTo(values, TargetWeight.Of(delta.WeightShape, values), 1);
        return values;
    }

    private static void Near(IEnumerable<double> wanted, double[] found, double limit = 1e-7)
    {
        var truth = wanted.ToArray();
        var norm = Math.Sqrt(truth.Sum(value => value * value));
        Assert.InRange(Math.Sqrt(truth.Zip(found, (a, b) => (a - b) * (a - b)).Sum()), 0, limit * norm);
    }
}
