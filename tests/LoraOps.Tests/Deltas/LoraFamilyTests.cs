using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>The forms of LoRA beside the plain one: what they mean, and what of them is refused.</summary>
public sealed class LoraFamilyTests : IDisposable
{
    private const string Blocks = """{"nblocks": 2, "match_strict": true, "target_modules_bd_a": ["o_"], "target_modules_bd_b": ["q_", "o_both"]}""";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Qa_lora_repeats_the_columns_of_each_group()
    {
        var delta = Only(new TinyAdapter().With("use_qalora", "true").With("qalora_group_size", "4")
            .Tensor("x.lora_A.weight", [1, 2, 3, 4, 5, 6], 2, 3).Tensor("x.lora_B.weight", [1, 0, 0, 1], 2, 2));

        // scale 4, three groups of four inputs
        float[] group = [1, 2, 3, 4, 5, 6];
        Assert.Equal(new TensorShape(2, 12), delta.WeightShape);
        Assert.Equal(group.SelectMany(value => Enumerable.Repeat(value * 4 * 3 / 4, 4)), Sum(delta, 2, 12));
    }

    [Fact]
    public void Adalora_takes_the_kept_ranks_of_a_file_that_holds_all()
    {
        float[] a = [1, 2, 3, 4, 5, 6];
        var sliced = Sum(Only(Ada("[true, false, true]").Tensor("x.lora_A", [1, 2, 5, 6], 2, 2).Tensor("x.lora_B", [1, 3, 4, 6], 2, 2)
            .Tensor("x.lora_E", [2, 3], 2, 1)), 2, 2);
        var whole = Only(Ada("[true, false, true]").Tensor("x.lora_A", a, 3, 2).Tensor("x.lora_B", a, 2, 3).Tensor("x.lora_E", [2, 9, 3], 3, 1));

        Assert.Equal(2, whole.Rank);
        Assert.Equal(8 / (3 + 1e-5), whole.Scale);
        Assert.Equal(sliced, Sum(whole, 2, 2));
    }

    [Fact]
    public void Adalora_with_a_rank_pruned_to_nothing_changes_nothing()
    {
        TinyAdapter Pruned(string pattern) => Ada(pattern).Tensor("x.lora_A", 0, 2).Tensor("x.lora_B", 2, 0).Tensor("x.lora_E", 0, 1)
            .Tensor("y.lora_A", 3, 2).Tensor("y.lora_B", 2, 3).Tensor("y.lora_E", 3, 1);

        Assert.Equal(new ModuleName("y"), Assert.Single(Read(Pruned("[false, false, false]")).Modules).Name);
        Assert.Equal([ProblemCode.AdapterTensorEmpty], Problems(Pruned("[false, true, false]")));
    }

    [Theory]
    [InlineData("""{"x.lora_E": [true, true]}""", ProblemCode.AdapterTensorInvalid)]
    [InlineData("""{"x.lora_E": [1, 0, 1]}""", ProblemCode.AdapterConfigInvalid)]
    [InlineData("[true]", ProblemCode.AdapterConfigInvalid)]
    public void An_adalora_pattern_that_does_not_fit_is_refused(string pattern, ProblemCode code) => Assert.Equal(
        [code],
        Problems(Ada("[]").With("rank_pattern", pattern).Tensor("x.lora_A", 3, 2).Tensor("x.lora_B", 2, 3).Tensor("x.lora_E", 3, 1)));

    [Fact]
    public void An_adalora_without_its_values_is_refused() => Assert.Equal(
        [ProblemCode.AdapterPartnerMissing], Problems(Ada("[]").Tensor("x.lora_A", 3, 2).Tensor("x.lora_B", 2, 3)));

    [Fact]
    public void What_only_training_uses_is_left_out()
    {
        var adapter = Plain().With("monteclora_config", """{"samples": 4}""")
            .Tensor("base_model.model.x.lora_monteclora_sampler.default.std", 3).Tensor("x.lora_monteclora_sampler.mean", 3);

        Assert.Contains("lora_monteclora_sampler", Assert.Single(Read(adapter).Warnings), StringComparison.Ordinal);
        Assert.Equal([ProblemCode.AdapterTensorUnused], Problems(Plain().Tensor("x.lora_velora_embed", 3)));
    }

    [Fact]
    public void A_factors_bias_must_be_in_the_config_and_fit()
    {
        Assert.Equal([ProblemCode.AdapterPartnerMissing], Problems(Plain().With("lora_bias", "true")));
        Assert.Equal([ProblemCode.AdapterTensorUnused], Problems(Plain().Tensor("x.lora_B.bias", 4)));
        Assert.Equal([ProblemCode.AdapterTensorInvalid], Problems(Plain().With("lora_bias", "true").Tensor("x.lora_B.bias", 3)));
        Assert.Equal(["weight", "bias"], Read(Plain().With("lora_bias", "true").Tensor("x.lora_B.bias", 4)).Modules.Select(module => module.Delta.Parameter));
    }

    [Fact]
    public void Kasa_takes_the_smallest_parts_away_whichever_side_is_longer()
    {
        foreach (var (rows, columns) in ((int, int)[])[(2, 3), (3, 2)])
        {
            var delta = Only(new TinyAdapter().With("kasa_config", """{"beta": 1}""").With("r", "1")
                .Tensor("x.lora_A.weight", new float[columns], 1, columns).Tensor("x.lora_B.weight", new float[rows], rows, 1).Tensor("x.lora_diag", 1));
            var weight = new float[rows * columns];
            (weight[0], weight[columns + 1]) = (3, 1);
            var sum = (float[])weight.Clone();

            delta.AddTo(sum, TargetWeight.Of(new TensorShape(rows, columns), weight), 1);

            weight[columns + 1] = 0;
            Assert.Equal(weight, sum);
        }
    }

    [Fact]
    public void A_kasa_that_is_incomplete_is_refused()
    {
        Assert.Equal([ProblemCode.AdapterPartnerMissing], Problems(Plain().With("kasa_config", """{"beta": 1}""")));
        Assert.Equal([ProblemCode.AdapterTensorUnused], Problems(Plain().Tensor("x.lora_diag", 2)));
        Assert.Equal([ProblemCode.AdapterTensorInvalid], Problems(Plain().With("kasa_config", """{"beta": 1}""").Tensor("x.lora_diag", 3)));
    }

    [Fact]
    [Raises(ProblemCode.TooLargeToDecompose)]
    public void A_weight_that_is_too_large_to_decompose_is_refused()
    {
        var delta = Only(Plain().With("kasa_config", """{"beta": 1}""").Tensor("x.lora_diag", 2));
        var large = new TargetWeight(new TensorShape(1 << 12, 1 << 12), ElementType.BF16, (_, _) => { });

        var problems = Assert.Throws<LoraOpsException>(() => delta.Prepare(large)).Problems;

        Assert.Equal([ProblemCode.TooLargeToDecompose], problems.Select(problem => problem.Code));
    }

    [Theory]
    [InlineData("a.o_both", 2, 4, ProblemCode.AdapterConfigInvalid)]
    [InlineData("a.k_mat", 2, 4, ProblemCode.AdapterConfigInvalid)]
    [InlineData("a.q_mat", 1, 3, ProblemCode.AdapterTensorInvalid)]
    [InlineData("a.q_mat", 2, 4, ProblemCode.AdapterRankMismatch)]
    public void A_block_diagonal_factor_that_is_not_told_or_does_not_divide_is_refused(string module, int width, int outputs, ProblemCode code) =>
        Assert.Equal([code], Problems(new TinyAdapter().With("use_bdlora", Blocks)
            .Tensor($"{module}.lora_A.weight", 2, 4).Tensor($"{module}.lora_B.weight", outputs, width)));

    [Theory]
    [InlineData("use_bdlora", Blocks)]
    [InlineData("use_qalora", "true")]
    [InlineData("target_parameters", "[\"x.weight\"]")]
    public void Forms_that_exclude_dora_are_refused_with_it(string field, string value) =>
        Assert.Contains(ProblemCode.AdapterConfigInvalid, Problems(Plain().With(field, value).With("use_dora", "true")));

    [Fact]
    public void Keys_may_hold_any_one_adapters_name()
    {
        var adapter = Read(new TinyAdapter().Tensor("base_model.model.base_model.model.x.lora_A.mine.weight", 2, 3).Tensor("x.lora_B.mine.weight", 4, 2));
        Assert.Equal(new ModuleName("x"), Assert.Single(adapter.Modules).Name);
        Assert.Equal(
            [ProblemCode.AdapterTensorUnused, ProblemCode.AdapterTensorUnused],
            Problems(Plain().Tensor("y.lora_A.mine.weight", 2, 3).Tensor("y.lora_A.yours.weight", 2, 3)));
    }

    public void Dispose() => _folder.Dispose();

    private static TinyAdapter Plain() => new TinyAdapter().Tensor("x.lora_A.weight", 2, 3).Tensor("x.lora_B.weight", 4, 2);

    private static TinyAdapter Ada(string pattern) => new TinyAdapter().Without("use_dora").Without("use_rslora")
        .With("peft_type", "\"ADALORA\"").With("init_r", "3").With("rank_pattern", pattern == "[]" ? "{}" : $$"""{"x.lora_E": {{pattern}}}""");

    private static float[] Sum(Delta delta, int rows, int columns)
    {
        var sum = new float[rows * columns];
        delta.AddTo(sum, TargetWeight.Of(new TensorShape(rows, columns), sum), 1);
        return sum;
    }

    private Delta Only(TinyAdapter maker) => Assert.Single(Read(maker).Modules).Delta;

    private Adapter Read(TinyAdapter maker) => PeftReader.Read(maker.WriteTo(_folder["adapter"]));

    private IEnumerable<ProblemCode> Problems(TinyAdapter maker) =>
        Assert.Throws<LoraOpsException>(() => Read(maker)).Problems.Select(problem => problem.Code);
}
