using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>Merging in blocks: the same bytes however the work is cut, and nothing left when it cannot be done.</summary>
public sealed class StreamingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F64)]
    public void A_weight_of_many_blocks_is_the_sum_rounded_once(ElementType type)
    {
        const int Rows = 1500, Columns = 1100;
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", type, Rows, Columns));
        Merge(source, "out.safetensors", null, new TinyAdapter().Linear("a", Columns, Rows, rank: 3));

        using var before = SafetensorsFile.Open(source);
        using var after = SafetensorsFile.Open(_folder["out.safetensors"]);
        using var factors = SafetensorsFile.Open(_folder["adapter0/adapter_model.safetensors"]);
        var (w, merged) = (before.Tensors[0].ToFloats(), after.Tensors[0]);
        var (a, b) = (factors.Find("base_model.model.a.lora_A.weight")!.ToFloats(), factors.Find("base_model.model.a.lora_B.weight")!.ToFloats());
        var truth = new double[w.Length];
        for (var index = 0; index < truth.Length; index++)
        {
            var (row, column) = (index / Columns, index % Columns);
            truth[index] = w[index];
            for (var k = 0; k < 3; k++)
                truth[index] += 8.0 / 3 * b[(row * 3) + k] * a[(k * Columns) + column];
        }

        var differing = type == ElementType.F64 ? Far(merged, truth) : GoldenCase.Differing(merged, truth);
        Assert.InRange(differing, 0, truth.Length / 1000);
    }

    [Fact]
    public void Any_budget_and_any_number_of_threads_gives_the_same_bytes()
    {
        var source = TinyCheckpoint.Sharded(
            _folder["base"],
            """{"model_type":"gpt2"}""",
            TinyCheckpoint.Tensor("h.0.c_fc.weight", ElementType.BF16, 700, 1200),
            TinyCheckpoint.Tensor("wte.weight", ElementType.F16, 3000, 400),
            TinyCheckpoint.Tensor("b.weight", ElementType.BF16, 1700, 900),
            TinyCheckpoint.Tensor("c.weight", ElementType.F32, 600, 900));
        TinyAdapter[] adapters =
        [
            new TinyAdapter().Linear("h.0.c_fc", 700, 1200).Linear("b", 900, 1700, rank: 5),
            new TinyAdapter().Embedding("wte", 3000, 400, dora: true).Linear("c", 900, 600, dora: true),
            new TinyAdapter().Linear("b", 900, 1700, rank: 2),
        ];

        var least = Merge(source, "ample", null, adapters).LeastBytes;
        Merge(source, "scarce", least, adapters);

        foreach (var file in Directory.GetFiles(_folder["ample"]))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder["scarce"], Path.GetFileName(file))));
    }

    [Fact]
    public void The_sum_of_adapters_is_rounded_once_in_any_order()
    {
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.BF16, 64, 48));
        var (one, two) = (new TinyAdapter().Linear("a", 48, 64), new TinyAdapter().Linear("a", 48, 64, rank: 4));
        Merge(source, "forth.safetensors", null, one, two);
        Merge(source, "back.safetensors", null, two, one);

        using var forth = SafetensorsFile.Open(_folder["forth.safetensors"]);
        using var back = SafetensorsFile.Open(_folder["back.safetensors"]);
        var differing = forth.Tensors[0].ToFloats().Zip(back.Tensors[0].ToFloats()).Count(pair => pair.First != pair.Second);
        Assert.InRange(differing, 0, 3);
    }

    [Fact]
    public void A_base_that_becomes_shorter_gives_a_problem_and_no_output()
    {
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], TinyCheckpoint.Tensor("a.weight", ElementType.BF16, 1500, 1100));
        using var plan = Plan(source, "out.safetensors", null, new TinyAdapter().Linear("a", 1100, 1500));
        using (var file = new FileStream(source, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(2_000_000);

        var error = Assert.Throws<LoraOpsException>(() => plan.Run());

        Assert.Equal([ProblemCode.FileUnreadable], error.Problems.Select(problem => problem.Code));
        Assert.False(File.Exists(_folder["out.safetensors"]));
    }

    [Fact]
    public void What_is_not_finite_in_any_block_ends_the_merge()
    {
        var values = new float[1500 * 1100];
        values[^1] = float.PositiveInfinity;
        var weight = BufferTensor.FromFloats("a.weight", ElementType.BF16, new TensorShape(1500, 1100), values);
        var source = TinyCheckpoint.File(_folder["base/m.safetensors"], weight);
        using var plan = Plan(source, "out.safetensors", null, new TinyAdapter().Linear("a", 1100, 1500));

        Assert.Equal([ProblemCode.MergedWeightNotFinite], Assert.Throws<LoraOpsException>(() => plan.Run()).Problems.Select(problem => problem.Code));
        Assert.False(File.Exists(_folder["out.safetensors"]));
    }

    private static int Far(Tensor merged, double[] truth)
    {
        var values = GoldenCase.Doubles(merged);
        return values.Zip(truth).Count(pair => Math.Abs(pair.First - pair.Second) > 1e-6);
    }

    private MergeSummary Merge(string source, string output, long? memory, params TinyAdapter[] adapters)
    {
        using var plan = Plan(source, output, memory, adapters);
        plan.Run();
        return plan.Summary;
    }

    private MergePlan Plan(string source, string output, long? memory, params TinyAdapter[] adapters) => MergePlan.Make(
        source,
        [.. adapters.Select((adapter, index) => new AdapterSource(adapter.WriteTo(_folder[$"adapter{index}"])))],
        _folder[output],
        new MergeOptions { MemoryBytes = memory });
}
