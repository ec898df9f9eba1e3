using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>Configs and shapes that no rotation can have, each with its number.</summary>
public sealed class RotationRefusalTests
{
    public static TheoryData<string, TinyAdapter, ProblemCode> Refused => new()
    {
        { "version unknown", Rotations.Oft().Without("peft_version").Part("oft_R.weight", 2, 6), ProblemCode.VariantRefused },
        { "other series", Rotations.Oft(("peft_version", "\"0.17.1\"")).Part("oft_R.weight", 2, 6), ProblemCode.VariantRefused },
        { "development version", Rotations.Oft(("peft_version", "\"0.18.0.dev0@x\"")).Part("oft_R.weight", 2, 6), ProblemCode.VariantRefused },
        { "no block size", Rotations.Oft().Without("oft_block_size").Part("oft_R.weight", 2, 6), ProblemCode.VariantRefused },
        { "endless series", Rotations.Oft(("num_cayley_neumann_terms", "1000000000")).Part("oft_R.weight", 2, 6), ProblemCode.AdapterConfigInvalid },
        { "negative bound", Rotations.Oft(("coft", "true"), ("eps", "-1")).Part("oft_R.weight", 2, 6), ProblemCode.AdapterConfigInvalid },
        { "no triangle", Rotations.Oft().Part("oft_R.weight", 2, 7), ProblemCode.AdapterTensorInvalid },
        { "whole blocks", Rotations.Oft().Part("oft_R.weight", 2, 4, 4), ProblemCode.AdapterTensorInvalid },
        { "two shared blocks", Rotations.Oft(("block_share", "true")).Part("oft_R.weight", 2, 6), ProblemCode.AdapterTensorInvalid },
        { "two layers", Rotations.Oft().Part("oft_R.weight", 2, 6).Part("oft_embedding_R.weight", 2, 6), ProblemCode.AdapterTensorUnused },
        { "no gain", Rotations.Of("BOFT").Part("boft_R", 1, 4, 4, 4), ProblemCode.AdapterPartnerMissing },
        { "gain of two axes", Rotations.Of("BOFT").Part("boft_R", 1, 4, 4, 4).Part("boft_s", 2, 3), ProblemCode.AdapterTensorInvalid },
        { "oblong blocks", Rotations.Of("BOFT").Part("boft_R", 1, 4, 4, 5).Part("boft_s", 2, 1), ProblemCode.AdapterTensorInvalid },
        { "odd butterfly", Rotations.Of("BOFT").Part("boft_R", 2, 4, 3, 3).Part("boft_s", 2, 1), ProblemCode.AdapterTensorInvalid },
        { "too few blocks", Rotations.Of("BOFT").Part("boft_R", 3, 6, 4, 4).Part("boft_s", 2, 1), ProblemCode.AdapterTensorInvalid },
        { "one vector", Rotations.Of("HRA").Part("hra_u", 12), ProblemCode.AdapterTensorInvalid },
        { "too many vectors", Rotations.Of("HRA", ("apply_GS", "true")).Part("hra_u", 4, 5), ProblemCode.AdapterTensorInvalid },
        { "plain as bat", Rotations.Of("MISS", ("init_weights", "\"bat\"")).Part("miss_block", 4, 4), ProblemCode.AdapterTensorInvalid },
        { "bat as plain", Rotations.Of("MISS").Part("miss_block", 2, 4, 4), ProblemCode.AdapterTensorInvalid },
        { "other mini_r", Rotations.Of("MISS", ("init_weights", "\"mini\""), ("mini_r", "2")).Part("miss_block", 4, 4), ProblemCode.AdapterTensorInvalid },
        { "unknown form", Rotations.Of("MISS", ("init_weights", "\"maxi\"")).Part("miss_block", 4, 4), ProblemCode.AdapterConfigInvalid },
        { "miss in bone", Rotations.Of("BONE").Part("miss_block", 4, 4), ProblemCode.AdapterTensorUnused },
        { "odd group", Rotations.Of("ROAD", ("group_size", "3")).Part("road_theta", 3).Part("road_alpha", 3), ProblemCode.AdapterConfigInvalid },
        { "unknown variant", Rotations.Of("ROAD", ("variant", "\"road_3\"")).Part("road_theta", 64).Part("road_alpha", 64), ProblemCode.AdapterConfigInvalid },
        { "no group", Rotations.Of("ROAD").Part("road_theta", 8).Part("road_alpha", 8), ProblemCode.AdapterTensorInvalid },
        { "angles only", Rotations.Of("ROAD").Part("road_theta", 32), ProblemCode.AdapterPartnerMissing },
        { "lengths differ", Rotations.Of("ROAD").Part("road_theta", 32).Part("road_alpha", 64), ProblemCode.AdapterTensorInvalid },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Is_refused_when_it_is_read(string what, TinyAdapter adapter, ProblemCode code)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<LoraOpsException>(() => adapter.Deltas(folder));
        Assert.True(error.Problems.Any(problem => problem.Code == code), $"{what}: {error.Message}");
    }

    [Theory]
    [InlineData(5, 7)]
    [InlineData(4, 4)]
    [InlineData(12, 5)]
    [InlineData(7, 5)]
    public void No_method_fits_a_weight_of_another_size(long rows, long columns)
    {
        using var folder = new TemporaryFolder();
        TinyAdapter[] adapters =
        [
            Rotations.Oft().Part("oft_R.weight", 2, 6), Rotations.Oft().Part("oft_embedding_R.weight", 2, 6),
            Rotations.Of("BOFT").Part("boft_R", 1, 2, 4, 4).Part("boft_s", 6, 1), Rotations.Of("HRA").Part("hra_u", 8, 2),
            Rotations.Of("MISS").Part("miss_block", 2, 6), Rotations.Of("MISS", ("init_weights", "\"bat\"")).Part("miss_block", 3, 2, 2),
            Rotations.Of("ROAD", ("group_size", "2")).Part("road_theta", 3).Part("road_alpha", 3),
        ];
        foreach (var adapter in adapters)
            Assert.All(adapter.Deltas(folder), delta => Assert.False(delta.Fits(new TensorShape(rows, columns)), delta.Expected));
    }
}
