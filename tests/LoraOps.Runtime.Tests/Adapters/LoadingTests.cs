using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>What is no model, or does not belong to it, is refused before a request is.</summary>
public sealed class LoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyCity _city;

    public LoadingTests() => _city = new TinyCity(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Raises(ProblemCode.FormMissing)]
    public void Models_of_no_form_are_refused()
    {
        var plain = SmallModel.Shift(1).Save(_folder["plain.onnx"]);

        Raised.By(ProblemCode.FormMissing, () => AdapterManager.Open(plain, new AdapterSettings { TakeForeign = true }));
        Raised.By(ProblemCode.FormMissing, () => AdapterManager.Open(_city.Inputs(form: "merged")));
        Raised.By(ProblemCode.FormMissing, () => AdapterManager.Open(_city.Switchable(false, "a", "a")));
        Raised.By(ProblemCode.FormMissing, () => AdapterManager.Open(_city.Switchable(false, "base")));
        Raised.By(ProblemCode.FileMissing, () => AdapterManager.Open(_folder["missing.onnx"]));
    }

    [Fact]
    public void Models_that_give_out_an_adapters_own_memory_are_refused()
    {
        var model = OnnxModel.Load(_city.Inputs());
        model.Graph.Output.Add(model.Graph.Input.Single(input => input.Name == "p.lora_A.weight"));
        model.Save(_folder["bare.onnx"]);

        var problem = Raised.By(ProblemCode.FormMissing, () => AdapterManager.Open(_folder["bare.onnx"]));

        Assert.Contains("'p.lora_A.weight' as it is", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    [Raises(ProblemCode.ModelUnpaired)]
    public void Models_and_adapters_of_others_are_taken_only_if_that_is_wanted()
    {
        Raised.By(ProblemCode.ModelUnpaired, () => AdapterManager.Open(_city.Inputs(isMarked: false)));
        using (var strict = Open())
        {
            Raised.By(ProblemCode.AdapterOfOtherModel, () => strict.Load("s", _city.Adapter("s", 2, pairing: 0)));
            Raised.By(ProblemCode.AdapterOfOtherModel, () => strict.Load("s", _city.Adapter("s", 2, pairing: 1)));
        }

        using (var marked = AdapterManager.Open(_city.Inputs(), new AdapterSettings { TakeForeign = true }))
        {
            marked.Load("s", _city.Adapter("s", 2, pairing: 0));
            Raised.By(ProblemCode.AdapterOfOtherModel, () => marked.Load("s", _city.Adapter("s", 2, pairing: 1)));
        }

        using var open = AdapterManager.Open(_city.Inputs(isMarked: false), new AdapterSettings { TakeForeign = true });
        open.Load("s", _city.Adapter("s", 2, pairing: 0));
        open.Load("t", _city.Adapter("t", 3, pairing: 1));

        Assert.Equal([TinyCity.Expected(3)], TinyCity.Run(open, "t"));
    }

    [Fact]
    [Raises(ProblemCode.RanksClash)]
    public void Ranks_of_one_name_must_be_equal_in_models_of_others()
    {
        using var manager = AdapterManager.Open(_city.Inputs(isMarked: false, ranks: 1), new AdapterSettings { TakeForeign = true });

        var problem = Raised.By(ProblemCode.RanksClash, () => manager.Load("s", _city.Adapter("s", 2)));

        Assert.Contains("alike, 'lora_r1', but they would be 1 and 0", problem.What, StringComparison.Ordinal);
    }

    // Why that is checked: the runtime's own words, in the middle of a run.
    [Fact]
    public void The_runtime_takes_tensors_whose_dimensions_have_one_name_for_equal()
    {
        using var manager = AdapterManager.Open(_city.Inputs(ranks: 1));
        manager.Load("s", _city.Adapter("s", 2));

        var problem = Raised.By(ProblemCode.AdapterRunFailed, () => manager.Run("s", TinyCity.Ones()));

        Assert.Contains("attempting to re-use buffer", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_found_at_loading()
    {
        using var manager = Open();
        var path = _folder["wrong.onnx_adapter"];
        void Wrong(ProblemCode code, params Tensor[] parameters)
        {
            TinyCity.Write(path, parameters);
            Raised.By(code, () => manager.Load("s", path));
        }

        Wrong(ProblemCode.AdapterFactorMissing, TinyCity.Factor("p.lora_A.weight", [3, 1], [1, 1, 1]));
        Wrong(ProblemCode.AdapterInputUnknown, TinyCity.Factor("x.lora_C", [1], [1]));
        Wrong(ProblemCode.AdapterInputDiffers, TinyCity.Factor("p.lora_A.weight", [4, 1], [1, 1, 1, 1]),
            TinyCity.Factor("p.lora_B.weight", [1, 1], [1]));
        Wrong(ProblemCode.AdapterRanksDiffer, TinyCity.Factor("p.lora_A.weight", [3, 1], [1, 1, 1]),
            TinyCity.Factor("p.lora_B.weight", [2, 1], [1, 1]));
    }

    private AdapterManager Open() => AdapterManager.Open(_city.Inputs());
}
