using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Merging;
using LoraOps.Transforms;

namespace LoraOps.Tests.Transforms;

/// <summary>Checkpoints of other forms: quantised, in other shards, of other types, large.</summary>
public sealed class ExtractSourcesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("nf4-double")]
    [InlineData("gptq-v2")]
    public void A_quantised_base_is_dequantised_and_what_only_rounding_changed_is_unchanged(string name)
    {
        var weights = Fixtures.Path("quantised-base", name);
        var source = Directory.GetDirectories(Path.Combine(weights, "adapters"))[0];
        using (var merge = MergePlan.Make(weights, [new AdapterSource(source)], _folder["tuned"], new MergeOptions()))
            merge.Run();

        var adapter = PeftReader.Read(source);
        var summary = Extracted(weights, _folder["tuned"], adapter.Modules.Max(module => module.Delta.Rank));
        var written = PeftReader.Read(_folder["new"]);

        Assert.Equal(adapter.Modules.Select(module => module.Name), written.Modules.Select(module => module.Name));
        foreach (var (before, after) in adapter.Modules.Zip(written.Modules))
            Assert.True(ReshapeGolden.Error(DeltaMatrices.Of(after.Delta, null).ToArray(), DeltaMatrices.Of(before.Delta, null).ToArray()) < 0.05);

        Assert.Empty(summary.Replaced);
    }

    [Fact]
    public void Shards_types_and_a_missing_root_do_not_matter()
    {
        Tensor[] before = [TinyCheckpoint.Tensor("model.a.weight", ElementType.BF16, 6, 5), TinyCheckpoint.Tensor("model.b.weight", ElementType.BF16, 4, 6)];
        var weights = TinyCheckpoint.Sharded(_folder["base"], "{}", before);
        var tuned = TinyCheckpoint.File(
            _folder["tuned/model.safetensors"], Changed(before[1], "b.weight", ElementType.F32), Changed(before[0], "a.weight", ElementType.F16));
        var summary = Extracted(weights, tuned, 5);

        Assert.Equal(["model.a", "model.b"], summary.Modules.Select(module => module.Name));
        Assert.True(summary.Error < 1e-6);
    }

    [Fact]
    public void A_large_difference_is_near_the_best_one()
    {
        var (rows, columns, rank) = (300, 410, 5);
        var random = new Random(3);
        var zeros = BufferTensor.FromFloats("m.a.weight", ElementType.F32, new TensorShape(rows, columns), new float[rows * columns]);
        var values = Enumerable.Range(0, rows * columns).Select(_ => (float)(random.NextDouble() - 0.5) / 50).ToArray();
        for (var at = 0; at < rows; at++)
            values[(at * columns) + at] += at < 12 ? 12 - at : 0;

        TinyCheckpoint.File(_folder["base.safetensors"], zeros);
        TinyCheckpoint.File(_folder["tuned.safetensors"], BufferTensor.FromFloats("m.a.weight", ElementType.F32, zeros.Shape, values));
        var summary = Extracted(_folder["base.safetensors"], _folder["tuned.safetensors"], rank);

        var whole = Truncation.Of(new LowRank([.. values.Select(value => (double)value)], Identity(columns), columns, (rows, columns)), new RankRule(rank));
        Assert.InRange(summary.Error / whole.Error, 1 - 1e-6, 1.02);
    }

    [Fact]
    [Raises(ProblemCode.DifferenceNotExpressible)]
    public void A_value_that_is_no_number_ends_the_run_and_leaves_nothing()
    {
        var weight = TinyCheckpoint.Tensor("m.a.weight", ElementType.F32, 4, 3);
        TinyCheckpoint.File(_folder["base.safetensors"], weight);
        var broken = BufferTensor.FromFloats("m.a.weight", ElementType.F32, weight.Shape, [float.NaN, .. weight.ToFloats()[1..]]);
        TinyCheckpoint.File(_folder["tuned.safetensors"], broken);

        var failure = Assert.Throws<LoraOpsException>(() => Extracted(_folder["base.safetensors"], _folder["tuned.safetensors"], 2));
        Assert.Equal(ProblemCode.DifferenceNotExpressible, failure.Problems[0].Code);
        Assert.False(Path.Exists(_folder["new"]));
    }

    public void Dispose() => _folder.Dispose();

    private TransformSummary Extracted(string weights, string tuned, int rank)
    {
        using var plan = ExtractPlan.Make(new ExtractRequest { Base = weights, Tuned = tuned, Rule = new RankRule(rank), Output = _folder["new"] });
        return plan.Run();
    }

    private static BufferTensor Changed(Tensor tensor, string name, ElementType type) =>
        BufferTensor.FromFloats(name, type, tensor.Shape, [.. tensor.ToFloats().Select((value, at) => value + (at % 5 / 8f))]);

    private static double[] Identity(int size) => [.. Enumerable.Range(0, size * size).Select(at => at % (size + 1) == 0 ? 1.0 : 0)];
}
