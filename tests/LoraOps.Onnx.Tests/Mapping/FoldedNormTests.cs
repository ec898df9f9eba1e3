using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>A convolution that the exporter folded its batch norm into: merged = fold(merge(base)).</summary>
public class FoldedNormTests
{
    private const int Out = 4;
    private const int Columns = 8;
    private static readonly long[] _dims = [Out, 2, 2, 2];
    private static readonly float[] _weight = TinyCheckpoint.Random(1, Out * Columns);
    private static readonly float[] _bias = TinyCheckpoint.Random(2, Out);
    private static readonly float[] _scale = [.5f, -2f, 1.5f, .7f];
    private static readonly float[] _mean = [.1f, -.3f, .2f, .4f];
    private static readonly float[] _variance = [.04f, 1f, 3f, .2f];
    private static readonly float[] _delta = TinyCheckpoint.Random(3, Out * Columns);

    [Theory]
    [InlineData("stem.0", "stem.1", 1e-5)]
    [InlineData("layer.conv1", "layer.bn1", 1e-3)]
    [InlineData("features.conv", "elsewhere.norm", 1e-6)]
    [InlineData("stem.0", "stem.1", 3.3e-4)]
    public void Scales_the_delta_as_the_norm_scaled_the_weight(string module, string norm, double epsilon)
    {
        using var file = File(module, norm);
        var adapter = DenseDelta.Adapter(module, LayerKind.Convolution, _dims, _delta);

        var merged = MergedForm.Convert(Folded(module, epsilon), [adapter], new MappingOptions { Base = file.Checkpoint });

        AssertClose(Fold([.. _weight.Zip(_delta, (weight, delta) => weight + delta)], epsilon), Values(merged.Model, "w"));
        Assert.True(Assert.Single(merged.Sites).IsVerified);
    }

    [Fact]
    public void Takes_the_norm_of_the_true_weight()
    {
        using var folder = new TemporaryFolder();
        using var file = File("stem.0", "stem.1");
        new TinyAdapter().Convolution("stem.0", 2, Out, [2, 2], dora: true).WriteTo(folder["dora"]);
        var adapter = new WeightedAdapter(PeftReader.Read(folder["dora"]));
        var expected = (float[])_weight.Clone();
        adapter.Adapter.Modules[0].Delta.AddTo(expected, TargetWeight.Of(new TensorShape(_dims), _weight), 1);

        var merged = MergedForm.Convert(Folded("stem.0", 1e-5), [adapter], new MappingOptions { Base = file.Checkpoint });

        AssertClose(Fold(expected, 1e-5), Values(merged.Model, "w"));
    }

    [Fact]
    public void Replaces_weight_and_bias_behind_the_norm()
    {
        using var file = File("stem.0", "stem.1");
        var weight = TinyCheckpoint.Random(8, Out * Columns);
        float[] bias = [1, 2, 3, 4];
        var adapters = new[] { DenseDelta.Replacing("stem.0", "weight", _dims, weight), DenseDelta.Replacing("stem.0", "bias", [Out], bias) };

        var merged = MergedForm.Convert(Folded("stem.0", 1e-5), adapters, new MappingOptions { Base = file.Checkpoint }).Model;

        AssertClose(Fold(weight, 1e-5), Values(merged, "w"));
        AssertClose(FoldBias(bias, 1e-5), Values(merged, "b"));
    }

    [Fact]
    public void Leaves_a_channel_that_the_norm_switches_off()
    {
        using var file = new TinyCheckpoint(
            ("stem.0.weight", _dims, _weight), ("stem.1.running_var", [Out], _variance), ("stem.1.weight", [Out], [0, 1, 1, 1]));
        var stored = Fold(_weight, 1e-5, [0, 1, 1, 1]);
        var model = Folded("stem.0", stored, []);

        var adapter = DenseDelta.Adapter("stem.0", LayerKind.Convolution, _dims, _delta);

        var merged = MergedForm.Convert(model, [adapter], new MappingOptions { Base = file.Checkpoint });

        Assert.Equal(new float[Columns], Values(merged.Model, "w")[..Columns]);
        AssertClose(Fold([.. _weight.Zip(_delta, (weight, delta) => weight + delta)], 1e-5, [0, 1, 1, 1]), Values(merged.Model, "w"));
    }

    [Fact]
    public void Refuses_factors_that_no_norm_of_the_base_explains()
    {
        using var other = new TinyCheckpoint(("stem.0.weight", _dims, _weight), ("stem.1.running_var", [Out], [9, 9, 9, 9]));
        using var none = new TinyCheckpoint(("stem.0.weight", _dims, _weight));
        foreach (var file in new[] { other, none })
        {
            var problem = Refused(Folded("stem.0", 1e-5), file);
            Assert.Equal(ProblemCode.WeightRewritten, problem.Code);
            Assert.Contains("Check that --base", problem.Advice, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Refuses_rows_that_are_no_multiples_of_the_bases()
    {
        using var file = File("stem.0", "stem.1");
        var stored = Fold(_weight, 1e-5);
        stored[3] += .01f;

        Assert.Equal(ProblemCode.WeightRewritten, Refused(Folded("stem.0", stored, []), file).Code);
    }

    [Fact]
    public void Asks_for_the_base_without_one()
    {
        var problem = Refused(Folded("stem.0", 1e-5), null);

        Assert.Equal(ProblemCode.WeightRewritten, problem.Code);
        Assert.Contains("--base", problem.Advice, StringComparison.Ordinal);
    }

    private static Problem Refused(OnnxModel model, TinyCheckpoint? file) => Assert.Single(Assert.Throws<LoraOpsException>(() => MergedForm.Convert(
        model, [DenseDelta.Adapter("stem.0", LayerKind.Convolution, _dims, _delta)], new MappingOptions { Base = file?.Checkpoint })).Problems);

    private static TinyCheckpoint File(string module, string norm) => new(
        ($"{module}.weight", _dims, _weight), ($"{module}.bias", [Out], _bias), ("other.running_var", [Out], [7, 8, 9, 10]),
        ($"{norm}.running_var", [Out], _variance), ($"{norm}.running_mean", [Out], _mean), ($"{norm}.weight", [Out], _scale));

    private static OnnxModel Folded(string module, double epsilon) => Folded(module, Fold(_weight, epsilon), FoldBias(_bias, epsilon));

    // As TorchScript leaves it: no name but the node's.
    private static OnnxModel Folded(string module, float[] weight, float[] bias)
    {
        var model = new TinyModel().Weight("w", _dims, weight);
        if (bias.Length > 0)
            model.Weight("b", [Out], bias);

        // A Sequential repeats its name before the number.
        var path = module == "stem.0" ? "stem/stem.0" : module.Replace('.', '/');
        return model.Node("Conv", $"/{path}/Conv", bias.Length > 0 ? ["x", "w", "b", "y"] : ["x", "w", "y"]).Model;
    }

    private static float[] Fold(float[] weight, double epsilon, float[]? scale = null) =>
        [.. weight.Select((value, i) => (float)(value * Factor(i / Columns, epsilon, scale ?? _scale)))];

    private static float[] FoldBias(float[] bias, double epsilon) =>
        [.. bias.Select((value, i) => (float)((value - _mean[i]) * Factor(i, epsilon, _scale)))];

    private static double Factor(int channel, double epsilon, float[] scale) => scale[channel] / Math.Sqrt(_variance[channel] + epsilon);

    private static float[] Values(OnnxModel model, string name) =>
        model.Read(model.Graph.Initializer.Single(tensor => tensor.Name == name)).ToFloats();

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - 2e-6f, pair.First + 2e-6f));
    }
}
