using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Peft;

/// <summary>The adapters that PEFT trained for the models of the fixtures.</summary>
public sealed class TrainedAdapterTests
{
    public static TheoryData<string, string> Adapters
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var model in (string[])["bev-vit", "neck-cnn", "planner-llama", "voice-gpt2"])
            {
                foreach (var folder in Directory.GetDirectories(Fixtures.Path(model, "adapters")).Order(StringComparer.Ordinal))
                    data.Add(model, Path.GetFileName(folder));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Reads_every_trained_adapter(string model, string name)
    {
        var adapter = PeftReader.Read(Fixtures.Path(model, "adapters", name));
        Assert.NotEmpty(adapter.Modules);
        Assert.Equal(name, adapter.Name);
        Assert.Equal(64, adapter.Digest.Length);
    }

    [Fact]
    public void Factors_of_grouped_convolutions_are_read_and_have_no_weight()
    {
        var adapter = PeftReader.Read(Fixtures.Path("neck-cnn", "adapters", "shanghai-depthwise"));
        var grouped = adapter.Modules.Select(module => module.Delta).OfType<GroupedLoraDelta>().ToList();
        Assert.Equal([(16, "[16, 1, 3, 3]"), (32, "[32, 1, 3, 3]")], grouped.Select(delta => (delta.Groups, delta.WeightShape.ToString())));
        var refused = Assert.Throws<LoraOpsException>(() => Mergeable.Require([adapter]));
        Assert.Equal(grouped.Select(delta => delta.Refusal), refused.Problems);
        Assert.All(refused.Problems, problem => Assert.Equal(ProblemCode.GroupedConvolution, problem.Code));
        Assert.Throws<LoraOpsException>(() => grouped[0].Prepare(TargetWeight.Of(grouped[0].WeightShape, [])));
    }

    // [16, 16] of B's columns: output o of group o has the columns 2·o and 2·o + 1.
    [Fact]
    public void A_groups_outputs_have_their_own_columns()
    {
        var adapter = PeftReader.Read(Fixtures.Path("neck-cnn", "adapters", "shanghai-depthwise"));
        var delta = Assert.IsType<GroupedLoraDelta>(adapter.Modules.First(module => module.Name.Value == "depthwise1.0").Delta);
        var (stored, whole) = (delta.B.ToFloats(), delta.Whole());
        for (var i = 0; i < whole.Coefficients.Length; i++)
        {
            var (output, column) = (i / 32, i % 32);
            Assert.Equal(column / 2 == output ? stored[(2 * output) + (column % 2)] : 0, whole.Coefficients[i]);
        }
    }

    [Theory]
    [InlineData(5, 6, 3)]
    [InlineData(6, 7, 3)]
    [InlineData(0, 6, 3)]
    public void Groups_that_no_layer_has_stay_refused_at_once(long inputs, long outputs, long groups)
    {
        using var folder = new TemporaryFolder();
        new TinyAdapter().With("r", "6").Tensor("base_model.model.conv.lora_A.weight", 6, inputs, 1, 1)
            .Tensor("base_model.model.conv.lora_B.weight", outputs, 6 / groups, 1, 1).WriteTo(folder.Path);
        Assert.Throws<LoraOpsException>(() => PeftReader.Read(folder.Path));
    }
}
