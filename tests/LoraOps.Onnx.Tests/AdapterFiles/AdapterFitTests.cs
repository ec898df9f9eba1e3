using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.AdapterFiles;

public sealed class AdapterFitTests
{
    private const string Path = "a.onnx_adapter";
    private const string A = "vit.layers.0.attention.q_proj.lora_A.weight";
    private const string B = "vit.layers.0.attention.q_proj.lora_B.weight";
    private const string Digest = "80000007aa";
    private static readonly OnnxModel Layer = OnnxModel.Load(Fixtures.Path("bev-vit", "ort", "one-layer.onnx"));
    private static readonly OnnxAdapter Shanghai = OnnxAdapterFile.Read(Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter"));

    [Fact]
    public void The_real_one_fits_its_model()
    {
        Assert.Empty(AdapterFit.Check(Shanghai, Path, AdaptableModel.Of(Layer)));
        AdapterFit.Demand(Shanghai, Path, AdaptableModel.Of(Layer));
        Assert.Equal(
            [(A, "[64, lora_r]", "64,0"), (B, "[lora_r, 64]", "0,64")],
            OverridableInputs.Of(Layer).Select(input => (input.Name, input.Shape, string.Join(',', input.Default))));
    }

    [Fact]
    public void An_empty_one_fits_every_model() => Assert.Empty(AdapterFit.Check(new OnnxAdapter([]), Path, AdaptableModel.Of(Layer)));

    [Fact]
    [Raises(ProblemCode.AdapterInputUnknown)]
    public void Names_that_the_model_lacks_are_told_with_the_nearest()
    {
        var other = A.Replace("0", "1", StringComparison.Ordinal);

        var problem = Only(ProblemCode.AdapterInputUnknown, Of(Floats(other, 64, 8), Floats(A, 64, 8), Floats(B, 8, 64)));

        Assert.Contains($"nearest: '{A}'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_dialect_is_told_once()
    {
        var renamed = DialectRenaming.Of(Shanghai, Path, null, NameDialects.OliveDynamo).Apply(Shanghai);

        var problem = Only(ProblemCode.AdapterInputUnknown, renamed);

        Assert.Contains("olive-dynamo", problem.What, StringComparison.Ordinal);
        Assert.Contains("loraops rename", problem.Advice, StringComparison.Ordinal);
    }

    [Fact]
    [Raises(ProblemCode.AdapterInputDiffers)]
    public void Types_and_dimensions_must_be_those_of_the_input()
    {
        Only(ProblemCode.AdapterInputDiffers, Of(Floats(A, 32, 8), Floats(B, 8, 64)));
        Only(ProblemCode.AdapterInputDiffers, Of(Floats(A, 64, 8, 1), Floats(B, 8, 64)));
        Only(ProblemCode.AdapterInputDiffers, Of(BufferTensor.FromFloats(A, ElementType.F16, new TensorShape(64, 8), new float[512]), Floats(B, 8, 64)));
    }

    [Fact]
    [Raises(ProblemCode.AdapterFactorMissing, ProblemCode.AdapterRanksDiffer)]
    public void Both_factors_are_there_and_of_one_rank()
    {
        Assert.Contains(B, Only(ProblemCode.AdapterFactorMissing, Of(Floats(A, 64, 8))).What, StringComparison.Ordinal);
        Assert.Contains(A, Only(ProblemCode.AdapterFactorMissing, Of(Floats(B, 8, 64))).What, StringComparison.Ordinal);
        Only(ProblemCode.AdapterRanksDiffer, Of(Floats(A, 64, 8), Floats(B, 4, 64)));
    }

    [Theory]
    [InlineData(4, 4, "r", "r", true)]
    [InlineData(4, 2, "r", "r", false)]
    [InlineData(4, 2, "r", "s", true)]
    [InlineData(4, 3, "r", "s", false)]
    [InlineData(4, 0, "r", "s", false)]
    public void Groups_may_divide_the_rank_of_a_convolution(long a, long b, string mine, string theirs, bool fits)
    {
        OverridableInput[] inputs =
        [
            new("c.lora_A.weight", ElementType.F32, [new(null, mine), new(3, ""), new(3, ""), new(3, "")], [0, 3, 3, 3]),
            new("c.lora_B.weight", ElementType.F32, [new(5, ""), new(null, theirs), new(1, ""), new(1, "")], [5, 0, 1, 1]),
        ];
        var adapter = Of(Floats("c.lora_A.weight", a, 3, 3, 3), Floats("c.lora_B.weight", 5, b, 1, 1));

        var found = AdapterFit.Check(adapter, Path, new AdaptableModel("m", inputs, null));

        Assert.Equal(fits ? [] : [ProblemCode.AdapterRanksDiffer], found.Select(problem => problem.Code));
    }

    [Theory]
    [InlineData(7, false, true)]
    [InlineData(8, false, false)]
    [InlineData(8, true, false)]
    [InlineData(0, false, false)]
    [InlineData(0, true, true)]
    [Raises(ProblemCode.AdapterOfOtherModel)]
    public void The_pairing_is_demanded_of_models_that_have_one(int version, bool allowsForeign, bool fits)
    {
        var model = Layer.Clone();
        new FormMetadata { Form = "inputs", BaseDigest = Digest, Dialect = "canonical" }.Write(model);

        var found = AdapterFit.Check(
            Shanghai with { ModelVersion = version }, Path, AdaptableModel.Of(model), new AdapterFitOptions { AllowsForeign = allowsForeign });

        Assert.Equal(fits ? [] : [ProblemCode.AdapterOfOtherModel], found.Select(problem => problem.Code));
        Assert.Empty(AdapterFit.Check(Shanghai with { ModelVersion = version }, Path, AdaptableModel.Of(Layer)));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("80000z07aa")]
    public void A_damaged_digest_pairs_with_nothing(string digest)
    {
        var model = new AdaptableModel("m", OverridableInputs.Of(Layer), new FormMetadata { Form = "inputs", BaseDigest = digest });

        Assert.Equal([ProblemCode.AdapterOfOtherModel], AdapterFit.Check(Shanghai, Path, model).Select(problem => problem.Code));
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F16)]
    [Raises(ProblemCode.AdapterValueNotFinite)]
    public void Values_are_finite(ElementType type)
    {
        var values = new float[40_000];
        values[39_999] = float.NaN;
        var adapter = Of(BufferTensor.FromFloats("x.weight", type, new TensorShape(values.Length), values));
        var model = new AdaptableModel("m", [new OverridableInput("x.weight", type, null, [1])], null);

        Assert.Equal([ProblemCode.AdapterValueNotFinite], AdapterFit.Check(adapter, Path, model).Select(problem => problem.Code));
        Assert.Empty(AdapterFit.Check(adapter, Path, model, new AdapterFitOptions { ChecksValues = false }));
    }

    [Fact]
    public void Everything_is_told_at_once_but_not_without_end()
    {
        var adapter = Of([.. Enumerable.Range(0, 40).Select(i => Floats($"x{i}", 1)), Floats(A, 64, 8)]);

        Assert.Equal(16, AdapterFit.Check(adapter, Path, AdaptableModel.Of(Layer)).Count);
        Assert.Throws<LoraOpsException>(() => AdapterFit.Demand(adapter, Path, AdaptableModel.Of(Layer)));
    }

    private static Problem Only(ProblemCode code, OnnxAdapter adapter)
    {
        var problem = Assert.Single(AdapterFit.Check(adapter, Path, AdaptableModel.Of(Layer)));
        Assert.Equal((code, Path), (problem.Code, problem.Where));
        return problem;
    }

    private static OnnxAdapter Of(params Tensor[] parameters) => new(parameters);

    private static BufferTensor Floats(string name, params long[] dims) =>
        BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(dims), new float[new TensorShape(dims).ElementCount]);
}
