using System.Text;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Merging;

namespace LoraOps.Tests.Readers.Quantised;

/// <summary>Quantised bases with something wrong: each is refused as a whole, by the name of a tensor.</summary>
public sealed class BrokenQuantisedTests : IDisposable
{
    private const string Q = "model.layers.0.self_attn.q_proj.";
    private const string State = Q + "weight.quant_state.bitsandbytes__nf4";
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("nf4-double", Q + "weight")]
    [InlineData("nf4-double", Q + "weight.absmax")]
    [InlineData("nf4-double", Q + "weight.quant_map")]
    [InlineData("nf4-double", Q + "weight.nested_absmax")]
    [InlineData("nf4-double", Q + "weight.nested_quant_map")]
    [InlineData("nf4-double", State)]
    [InlineData("int8", Q + "weight")]
    [InlineData("int8", Q + "SCB")]
    [InlineData("gptq-v2", Q + "qzeros")]
    [InlineData("awq", Q + "scales")]
    [Raises(ProblemCode.QuantisedPartMissing)]
    public void A_missing_tensor_is_named(string name, string missing)
    {
        var problems = Refused(name, tensor => tensor.Name == missing ? null : tensor);
        Assert.Contains(
            problems, problem => problem.Code == ProblemCode.QuantisedPartMissing && problem.What.Contains($"'{missing}'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nf4-double", Q + "weight.absmax")]
    [InlineData("nf4-double", Q + "weight.quant_map")]
    [InlineData("nf4-double", Q + "weight.nested_absmax")]
    [InlineData("nf4-double", Q + "weight.nested_quant_map")]
    [InlineData("int8", Q + "SCB")]
    [InlineData("gptq-v2", Q + "qzeros")]
    [InlineData("gptq-desc-act", Q + "g_idx")]
    [InlineData("awq", Q + "qzeros")]
    [Raises(ProblemCode.QuantisedPartInvalid)]
    public void A_tensor_of_another_length_is_named(string name, string changed) =>
        AssertInvalid(Refused(name, tensor => tensor.Name == changed ? Longer(tensor) : tensor), changed);

    [Theory]
    [InlineData("gptq-v2")]
    [InlineData("awq")]
    public void Scales_decide_how_many_groups_there_are(string name) =>
        AssertInvalid(Refused(name, tensor => tensor.Name == Q + "scales" ? Longer(tensor) : tensor), Q + "qzeros");

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{\"quant_type\": \"nf4\"}")]
    [InlineData("{\"quant_type\": \"fp4\", \"blocksize\": 64, \"dtype\": \"bfloat16\", \"shape\": [40, 48]}")]
    [InlineData("{\"quant_type\": 4, \"blocksize\": 64, \"dtype\": \"bfloat16\", \"shape\": [40, 48]}")]
    public void A_state_of_another_kind_is_refused(string json) => AssertInvalid(RefusedState(json), State);

    [Theory]
    [InlineData("0", "bfloat16", "[40, 48]", "")]
    [InlineData("65", "bfloat16", "[40, 48]", "")]
    [InlineData("64", "int8", "[40, 48]", "")]
    [InlineData("64", "bfloat16", "[40, -48]", "")]
    [InlineData("64", "bfloat16", "[]", "")]
    [InlineData("64", "bfloat16", "40", "")]
    [InlineData("64", "bfloat16", "[40, 48.5]", "")]
    [InlineData("64", "bfloat16", "[40, 48]", ", \"shape\": [48, 40]")]
    [InlineData("64", "bfloat16", "[40, 48]", ", \"nested_blocksize\": 0, \"nested_offset\": 0")]
    [InlineData("64", "bfloat16", "[40, 48]", ", \"nested_blocksize\": 256, \"nested_offset\": 1e99")]
    [InlineData("64", "bfloat16", "[40, 48]", ", \"nested_blocksize\": 256")]
    public void A_state_without_meaning_is_refused(string blocks, string type, string shape, string rest) => AssertInvalid(
        RefusedState($$"""{"quant_type": "nf4", "blocksize": {{blocks}}, "dtype": "{{type}}", "shape": {{shape}}{{rest}}}"""), State);

    [Theory]
    [InlineData("[40, 49]")]
    [InlineData("[0, 48]")]
    [InlineData("[1099511627776, 1048576]")]
    [InlineData("[9223372036854775807, 9223372036854775807]")]
    [InlineData("[9223372036854775807]")]
    public void A_shape_that_the_bytes_do_not_hold_is_refused_before_anything_is_allocated(string shape)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var problems = RefusedState($$"""
            {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": {{shape}}, "nested_blocksize": 256, "nested_offset": 0.05}
            """);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 << 20);
        Assert.All(problems, problem => Assert.Equal(ProblemCode.QuantisedPartInvalid, problem.Code));
    }

    [Fact]
    public void A_group_outside_the_table_is_refused() => AssertInvalid(
        Refused("gptq-desc-act", tensor => tensor.Name == Q + "g_idx" ? With(tensor, bytes => bytes[4] = 2) : tensor), Q + "g_idx");

    [Fact]
    public void A_weight_beside_its_codes_is_refused() => AssertInvalid(
        Refused("awq", tensor => tensor, TinyCheckpoint.Tensor(Q + "weight", ElementType.F16, 24, 64)), Q + "qweight");

    [Fact]
    public void A_weight_in_two_layouts_is_refused()
    {
        var codes = new BufferTensor(Q + "weight", ElementType.I8, new TensorShape(960, 1), new byte[960]);
        AssertInvalid(
            Refused("nf4-double", tensor => tensor.Name == codes.Name ? codes : tensor, TinyCheckpoint.Tensor(Q + "SCB", ElementType.F32, 960)),
            codes.Name);
    }

    [Fact]
    public void A_second_state_of_a_weight_is_refused()
    {
        var second = new BufferTensor(Q + "weight.quant_state.bitsandbytes__fp4", ElementType.U8, new TensorShape(2), "{}"u8.ToArray());
        AssertInvalid(Refused("nf4-double", tensor => tensor, second), second.Name);
    }

    [Theory]
    [InlineData("gptq-v2", "\"bits\": 4", "\"bits\": 3")]
    [InlineData("gptq-v2", "\"gptq_v2\"", "\"marlin\"")]
    [InlineData("gptq-v2", "\"bits\": 4", "\"bits\": 8")]
    [InlineData("gptq-v2", "\"bits\": 4,", "")]
    [InlineData("gptq-v2", "\"quant_method\": \"gptq\"", "\"quant_method\": \"fp8\"")]
    [InlineData("gptq-v2", "quantization_config", "quantisation")]
    [InlineData("awq", "\"gemm\"", "\"gemv\"")]
    [InlineData("awq", "\"bits\": 4", "\"bits\": 8")]
    [InlineData("int8", "\"bitsandbytes\"", "\"compressed-tensors\"")]
    [Raises(ProblemCode.QuantisationUnsupported)]
    public void Another_layout_is_refused_by_name(string name, string old, string changed)
    {
        var problems = Refused(name, tensor => tensor, config: text => text.Replace(old, changed, StringComparison.Ordinal));
        Assert.All(problems, problem => Assert.Equal(ProblemCode.QuantisationUnsupported, problem.Code));
    }

    [Theory]
    [InlineData(ElementType.F8E4M3, "a.weight", "a.weight_scale_inv")]
    [InlineData(ElementType.F8E4M3, "a.weight", "a.weight_scale")]
    [InlineData(ElementType.U8, "a.weight", "a.weight_scale")]
    [InlineData(ElementType.U8, "a.weight", "a.weight_scale_2")]
    [InlineData(ElementType.U8, "mlp.experts.down_proj_blocks", "mlp.experts.down_proj_scales")]
    [InlineData(ElementType.I32, "a.weight_packed", "a.weight_scale")]
    public void Codes_with_scales_of_another_layout_are_refused_without_a_config(ElementType type, string name, string scale)
    {
        var codes = new BufferTensor(name, type, new TensorShape(4, 4), new byte[16 * type.Bits() / 8]);
        TinyCheckpoint.File(_folder["base/model.safetensors"], codes, TinyCheckpoint.Tensor(scale, ElementType.F32, 4));
        var problem = Assert.Single(Problems());
        Assert.Equal(ProblemCode.QuantisationUnsupported, problem.Code);
        Assert.Contains($"'{name}'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Integers_of_a_model_that_is_not_quantised_are_left_alone()
    {
        var ids = new BufferTensor("embeddings.position_ids", ElementType.I32, new TensorShape(1, 4), new byte[16]);
        TinyCheckpoint.File(_folder["base/model.safetensors"], ids, TinyCheckpoint.Tensor("a.weight", ElementType.F16, 4, 4));
        using var files = Checkpoint.Open(_folder["base"]);
        Assert.Equal(["a.weight", "embeddings.position_ids"], QuantisedCase.Seen(files).Names.Order(StringComparer.Ordinal));
    }

    public void Dispose() => _folder.Dispose();

    private static void AssertInvalid(IReadOnlyList<Problem> problems, string tensor) => Assert.Contains(
        problems, problem => problem.Code == ProblemCode.QuantisedPartInvalid && problem.What.Contains($"'{tensor}'", StringComparison.Ordinal));

    private static BufferTensor Longer(Tensor tensor)
    {
        var shape = new TensorShape([tensor.Shape[0] + 1, .. tensor.Shape.Dims[1..]]);
        return new BufferTensor(tensor.Name, tensor.Type, shape, new byte[tensor.ByteLength / tensor.Shape[0] * shape[0]]);
    }

    private static BufferTensor With(Tensor tensor, Action<byte[]> change)
    {
        var bytes = tensor.ToBytes();
        change(bytes);
        return new BufferTensor(tensor.Name, tensor.Type, tensor.Shape, bytes);
    }

    private IReadOnlyList<Problem> RefusedState(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var state = new BufferTensor(State, ElementType.U8, new TensorShape(bytes.Length), bytes);
        return Refused("nf4-double", tensor => tensor.Name == State ? state : tensor);
    }

    private IReadOnlyList<Problem> Refused(string name, Func<Tensor, Tensor?> change, Tensor? added = null, Func<string, string>? config = null)
    {
        using (var source = Checkpoint.Open(Fixtures.Path("quantised-base", name)))
        {
            var tensors = source.Names.Select(tensor => change(source.Find(tensor)!)).OfType<Tensor>().ToList();
            TinyCheckpoint.File(_folder["base/model.safetensors"], [.. added is null ? tensors : [.. tensors, added]]);
            var text = File.ReadAllText(source.ConfigPath!);
            File.WriteAllText(_folder["base/config.json"], config is null ? text : config(text));
        }

        return Problems();
    }

    private IReadOnlyList<Problem> Problems()
    {
        using var files = Checkpoint.Open(_folder["base"]);
        return Assert.Throws<LoraOpsException>(() => QuantisedCase.Seen(files)).Problems;
    }
}
