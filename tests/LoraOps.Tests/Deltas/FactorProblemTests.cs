using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Tests.Deltas;

public sealed class FactorProblemTests
{
    public static TheoryData<string, string, ProblemCode> Broken => new()
    {
        { "LOHA", "hada_w1_a:4,2 hada_w1_b:2,3 hada_w2_a:4,2", ProblemCode.AdapterPartnerMissing },
        { "LOHA", "hada_w1_a:4,2 hada_w1_b:3,3 hada_w2_a:4,2 hada_w2_b:2,3", ProblemCode.AdapterTensorInvalid },
        { "LOHA", "hada_w1_a:4,2 hada_w1_b:2,3 hada_w2_a:5,2 hada_w2_b:2,3", ProblemCode.AdapterTensorInvalid },
        { "LOHA", "hada_w1_a:2,4 hada_w1_b:2,3 hada_w2_a:2,4 hada_w2_b:2,3 hada_t1:2,2,3,3", ProblemCode.AdapterPartnerMissing },
        { "LOHA", "hada_w1_a:2,4 hada_w1_b:2,3 hada_w2_a:2,4 hada_w2_b:2,3 hada_t1:2,2,3,3 hada_t2:2,1,3,3", ProblemCode.AdapterTensorInvalid },
        { "LOKR", "lokr_w1:2,2", ProblemCode.AdapterPartnerMissing },
        { "LOKR", "lokr_w1:2,2 lokr_w1_a:2,1 lokr_w2:2,2", ProblemCode.AdapterTensorUnused },
        { "LOKR", "lokr_w1:2,2,2 lokr_w2:2,2", ProblemCode.AdapterTensorInvalid },
        { "LOKR", "lokr_w1_a:2,2 lokr_w1_b:2,2 lokr_w2_a:2,3 lokr_w2_b:3,2", ProblemCode.AdapterTensorInvalid },
        { "IA3", "ia3_l:2,2", ProblemCode.AdapterTensorInvalid },
        { "VERA", "vera_lambda_b:4 vera_lambda_d:2", ProblemCode.AdapterPartnerMissing },
        { "VERA", "vera_lambda_b:4 vera_lambda_d:2 base_model.vera_A:2,5 base_model.vera_B:3,2", ProblemCode.AdapterTensorInvalid },
        { "PVERA", "pvera_lambda_b:4 pvera_lambda_d:3 base_model.pvera_A:3,5 base_model.pvera_B:4,1", ProblemCode.AdapterTensorInvalid },
        { "RANDLORA", "randlora_lambda:2,3 randlora_gamma:3,4", ProblemCode.AdapterPartnerMissing },
        { "RANDLORA", "randlora_lambda:2,3 randlora_gamma:3,4 base_model.randlora_A:2,1,4 base_model.randlora_B:5,3,2", ProblemCode.AdapterTensorInvalid },
        { "VBLORA", "vblora_logits_A:2,2,4 vblora_logits_B:2,2,4", ProblemCode.AdapterPartnerMissing },
        { "VBLORA", "vblora_logits_A:2,2,4 vblora_logits_B:2,3,4 base_model.vblora_vector_bank:4,2", ProblemCode.AdapterTensorInvalid },
        { "C3A", "c3a_kernel:2,2", ProblemCode.AdapterTensorInvalid },
        { "DELORA", "delora_A:2,4 delora_B:3,2 delora_lambda:1", ProblemCode.AdapterPartnerMissing },
        { "GRALORA", "gralora_A:2,3,3 gralora_B:2,3,4", ProblemCode.AdapterTensorInvalid },
        { "HIRA", "hira_A:2,4 hira_B:3,3", ProblemCode.AdapterRankMismatch },
        { "HIRA", "hira_A:2,4 hira_B:3,2 hira_embedding_A:2,4 hira_embedding_B:3,2", ProblemCode.AdapterTensorUnused },
        { "GLORA", "glora_A.Xd:4,2 glora_A.Xu:2,3 glora_B.Xd:4,2", ProblemCode.AdapterPartnerMissing },
        { "GLORA", "glora_A.X:4,1 glora_B.X:4,1", ProblemCode.AdapterTensorUnused },
        { "SHIRA", "shira_weight:3 shira_indices:2,2", ProblemCode.AdapterTensorInvalid },
        { "FOURIERFT", "fourierft_spectrum:3,1", ProblemCode.AdapterTensorInvalid },
        { "WAVEFT", "waveft_spectrum:3,1", ProblemCode.AdapterTensorInvalid },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Tensors_that_do_not_belong_together_are_refused(string peftType, string tensors, ProblemCode code)
    {
        var made = new FactorCase(peftType, Needed);
        foreach (var tensor in tensors.Split(' ').Select(text => text.Split(':')))
            made.With(tensor[0], [.. tensor[1].Split(',').Select(long.Parse)]);

        var error = Assert.Throws<LoraOpsException>(made.Read);
        Assert.Contains(error.Problems, problem => problem.Code == code);
    }

    [Theory]
    [InlineData("LOHA", "alpha", ProblemCode.AdapterConfigInvalid)]
    [InlineData("FOURIERFT", "random_loc_seed", ProblemCode.AdapterConfigInvalid)]
    public void A_field_that_decides_must_be_there(string peftType, string field, ProblemCode code)
    {
        var made = new FactorCase(peftType, [.. Needed.Where(pair => pair.Field != field)]).With("none", 1);
        Assert.Contains(Assert.Throws<LoraOpsException>(made.Read).Problems, problem => problem.Code == code);
    }

    [Theory]
    [InlineData("WAVEFT", "wavelet_family", "\"db7\"")]
    [InlineData("RANDLORA", "save_projection", "false")]
    [InlineData("PVERA", "sample_at_inference", "true")]
    public void A_form_without_a_fixed_weight_is_refused_by_name(string peftType, string field, string json)
    {
        var made = new FactorCase(peftType, [.. Needed, (field, json)]).With("none", 1);
        var problem = Assert.Throws<LoraOpsException>(made.Read).Problems.First(problem => problem.Code == ProblemCode.VariantRefused);
        Assert.Contains(field, problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_outside_of_the_weight_is_refused()
    {
        var made = new FactorCase("SHIRA").With("shira_weight", 2).With("shira_indices", [0, 4, 0, 0], 2, 2);
        var error = Assert.Throws<LoraOpsException>(() => made.Prepare(new TensorShape(4, 4)));
        Assert.Equal(ProblemCode.AdapterTensorInvalid, error.Problems[0].Code);
    }

    [Fact]
    public void Places_that_depend_on_PyTorchs_version_are_refused()
    {
        var made = new FactorCase("FOURIERFT", ("scaling", "2"), ("random_loc_seed", "2")).With("fourierft_spectrum", 2);
        var error = Assert.Throws<LoraOpsException>(() => made.Prepare(new TensorShape(16384, 16384)));
        Assert.Equal(ProblemCode.AdapterTensorInvalid, error.Problems[0].Code);
    }

    private static (string Field, string Json)[] Needed =>
        [("r", "2"), ("alpha", "2"), ("randlora_alpha", "2"), ("scaling", "2"), ("random_loc_seed", "2")];
}
