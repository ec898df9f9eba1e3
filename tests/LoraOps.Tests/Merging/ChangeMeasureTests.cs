using LoraOps.Merging;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>What a plan measures without writing, against the float64 truth and against the files that the merge really writes.</summary>
public sealed class ChangeMeasureTests
{
    public static TheoryData<string> Merged => GoldenMergeTests.Merged;

    [Theory]
    [MemberData(nameof(Merged))]
    public void Norms_are_those_of_the_truth_and_counts_those_of_the_merged_file(string name)
    {
        var golden = GoldenCase.Of(name);
        using var folder = new TemporaryFolder();
        IReadOnlyList<WeightMeasure> measures;
        using (var plan = golden.Plan(folder["out.safetensors"]))
        {
            measures = plan.Measure();
            Assert.False(File.Exists(folder["out.safetensors"]));
            Assert.Equal(plan.Summary.Changed.Select(weight => weight.Name), measures.Select(measure => measure.Name));
            plan.Run();
        }

        using var merged = SafetensorsFile.Open(folder["out.safetensors"]);
        using var truth = SafetensorsFile.Open(golden.TruthPath);
        using var original = SafetensorsFile.Open(golden.BasePath);
        foreach (var measure in measures)
        {
            var (before, after, wanted) = (original.Find(measure.Name), merged.Find(measure.Name)!, truth.Find(measure.Name));
            Assert.Equal(after.Shape.ElementCount, measure.Elements);
            if (before is null || wanted is null)
                continue;

            Assert.Equal(before.Shape.Equals(after.Shape), measure.Norm is not null);
            if (measure.Norm is not null)
                Check(measure, before, after, GoldenCase.Doubles(wanted), golden.Limit);
        }
    }

    [Theory]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F16)]
    public void A_change_below_half_a_unit_leaves_its_weights_as_they_are(ElementType type)
    {
        using var folder = new TemporaryFolder();
        float[] ones = [.. Enumerable.Repeat(1f, 16)];
        var source = TinyCheckpoint.File(
            folder["base/model.safetensors"], BufferTensor.FromFloats("a.weight", type, new TensorShape(4, 4), ones));
        var unit = type == ElementType.BF16 ? 1f / 128 : 1f / 1024;
        var adapter = new TinyAdapter().With("lora_alpha", "1").With("r", "1")
            .Tensor("base_model.model.a.lora_A.weight", [1, 1, 1, 1], 1, 4)
            .Tensor("base_model.model.a.lora_B.weight", [0.4f * unit, 0.6f * unit, 0, 0.4f * unit], 4, 1)
            .WriteTo(folder["adapter"]);

        using var plan = MergePlan.Make(source, [new AdapterSource(adapter)], folder["out"], new MergeOptions());
        var measure = Assert.Single(plan.Measure());

        Assert.Equal((12L, 0.75), (measure.Unchanged, measure.UnchangedShare));
        Assert.Equal(4, measure.Norm!.Value, 1e-12);
        Assert.Equal(2 * unit * Math.Sqrt((0.16 * 2) + 0.36), measure.ChangeNorm!.Value, unit * 1e-5);
        Assert.Equal(measure.ChangeNorm / 4, measure.Ratio);
        Assert.Equal(2 * unit * Math.Sqrt(3 * 0.16), measure.LossNorm!.Value, unit * 1e-5);
    }

    [Fact]
    public void Peft_arithmetic_is_measured_as_what_it_leaves()
    {
        var golden = GoldenCase.Of("lora-linear-bf16");
        using var folder = new TemporaryFolder();
        using var plan = golden.Plan(folder["out.safetensors"], new MergeOptions { Arithmetic = MergeArithmetic.Peft });
        var measures = plan.Measure();
        plan.Run();

        using var merged = SafetensorsFile.Open(folder["out.safetensors"]);
        using var original = SafetensorsFile.Open(golden.BasePath);
        Assert.All(measures, measure =>
        {
            var (before, after) = (original.Find(measure.Name)!.ToFloats(), merged.Find(measure.Name)!.ToFloats());
            Assert.Equal(Norm(after.Length, index => (double)after[index] - before[index]), measure.ChangeNorm!.Value, 1e-9);
            Assert.Equal(0, measure.LossNorm);
        });
    }

    [Fact]
    public void Gives_the_same_numbers_whatever_the_memory_and_tells_how_far_it_is()
    {
        var golden = GoldenCase.Of("lora-linear-bf16");
        using var folder = new TemporaryFolder();
        var shares = new List<double>();
        using var plan = golden.Plan(folder["one.safetensors"]);
        using var small = golden.Plan(folder["two.safetensors"], new MergeOptions { MemoryBytes = plan.Summary.LeastBytes });

        Assert.Equal(plan.Measure(shares.Add), small.Measure());
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1]);
    }

    [Fact]
    public void A_preview_lists_what_the_base_lacks_with_near_misses()
    {
        using var folder = new TemporaryFolder();
        var source = TinyCheckpoint.File(
            folder["base/model.safetensors"],
            TinyCheckpoint.Tensor("layer.a.weight", ElementType.F32, 4, 3),
            TinyCheckpoint.Tensor("b.weight", ElementType.F32, 4, 3));
        var adapter = LoraOps.Readers.Peft.PeftReader.Read(new TinyAdapter().Linear("layer.aa", 3, 4).Linear("b", 3, 4).WriteTo(folder["adapter"]));

        using var plan = MergePlan.Preview(source, [new LoraOps.Adapters.WeightedAdapter(adapter)], new MergeOptions());

        var missed = Assert.Single(plan.Summary.Unmatched);
        Assert.Equal(("layer.aa.weight", "layer.a.weight"), (missed.Parameter, missed.Nearest[0]));
        Assert.Equal(["layer.a.weight"], plan.Summary.Copied);
        Assert.Equal("b.weight", Assert.Single(plan.Measure()).Name);
    }

    private static void Check(WeightMeasure measure, Tensor before, Tensor after, double[] truth, double limit)
    {
        var (old, bytes, merged) = (before.ToFloats(), before.ToBytes(), after.ToBytes());
        var norm = Norm(old.Length, index => old[index]);
        Assert.Equal(norm, measure.Norm!.Value, 1e-9 * norm);

        var change = Norm(old.Length, index => truth[index] - old[index]);
        Assert.Equal(change, measure.ChangeNorm!.Value, (1e-5 * change) + (limit * (norm + change)));
        if (before.Type != after.Type)
            return;

        var size = before.Type.Bits() / 8;
        var unchanged = Enumerable.Range(0, old.Length)
            .Count(index => bytes.AsSpan(index * size, size).SequenceEqual(merged.AsSpan(index * size, size)));
        Assert.Equal(unchanged, measure.Unchanged);
    }

    private static double Norm(int count, Func<int, double> value) =>
        Math.Sqrt(Enumerable.Range(0, count).Sum(index => value(index) * value(index)));
}
