using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.AdapterFiles;

public sealed class OnnxAdapterFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("golden-0-0", 0)]
    [InlineData("golden-1-1", 1)]
    [InlineData("shanghai-layer0-query", 1)]
    public void What_ONNX_Runtime_wrote_is_read_and_written_again_byte_for_byte(string name, int version)
    {
        var path = Golden(name);

        var adapter = OnnxAdapterFile.Read(path);

        Assert.Equal((version, version), (adapter.AdapterVersion, adapter.ModelVersion));
        Assert.Equal(2, adapter.Parameters.Count);
        Assert.Equal(File.ReadAllBytes(path), OnnxAdapterFile.ToBytes(adapter, OnnxAdapterLayout.Runtime));
        OnnxAdapterFile.Write(_folder["again"], adapter, OnnxAdapterLayout.Runtime);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(_folder["again"]));
    }

    [Fact]
    public void The_golden_files_are_made_from_their_numbers()
    {
        OnnxAdapter Of(int version) => new([Floats("A", [2, 1], 1, 2), Floats("B", [1, 2], 3, 4)]) { AdapterVersion = version, ModelVersion = version };

        Assert.Equal(File.ReadAllBytes(Golden("golden-0-0")), OnnxAdapterFile.ToBytes(Of(0), OnnxAdapterLayout.Runtime));
        Assert.Equal(File.ReadAllBytes(Golden("golden-1-1")), OnnxAdapterFile.ToBytes(Of(1), OnnxAdapterLayout.Runtime));
    }

    [Fact]
    public void The_file_of_a_trained_adapter_is_made_from_the_adapter()
    {
        var (a, b) = ShanghaiFactors();
        const string Module = "vit.layers.0.attention.q_proj";
        var adapter = new OnnxAdapter([Floats(Module + ".lora_A.weight", [64, 8], a), Floats(Module + ".lora_B.weight", [8, 64], b)])
        {
            AdapterVersion = 1,
            ModelVersion = 1,
        };

        Assert.Equal(File.ReadAllBytes(Golden("shanghai-layer0-query")), OnnxAdapterFile.ToBytes(adapter, OnnxAdapterLayout.Runtime));
    }

    [Theory]
    [InlineData(OnnxAdapterLayout.Streaming)]
    [InlineData(OnnxAdapterLayout.Runtime)]
    public void Whatever_is_written_is_read_back(OnnxAdapterLayout layout)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var adapter = AnyAdapter.Of(new Random(seed));
            var path = _folder[$"{seed}"];
            OnnxAdapterFile.Write(path, adapter, layout);

            var bytes = File.ReadAllBytes(path);
            Assert.Equal(bytes, OnnxAdapterFile.ToBytes(adapter, layout));
            AnyAdapter.Same(adapter, OnnxAdapterFile.Read(path));
            AnyAdapter.Same(adapter, OnnxAdapterFile.Read(bytes, "bytes"));
        }
    }

    [Fact]
    public void The_streaming_layout_has_its_data_last_and_at_multiples_of_64()
    {
        var adapter = new OnnxAdapter([Floats("one", [3], 1, 2, 3), Floats("other", [1, 2], 4, 5)]);

        var bytes = OnnxAdapterFile.ToBytes(adapter);

        Assert.Equal(1f, BitConverter.ToSingle(bytes, 192));
        Assert.Equal(4f, BitConverter.ToSingle(bytes, 256));
        Assert.Equal(264, bytes.Length);
    }

    [Fact]
    [Raises(ProblemCode.AdapterParameterInvalid, ProblemCode.AdapterParameterName)]
    public void What_the_format_has_no_place_for_is_refused_all_at_once()
    {
        var adapter = new OnnxAdapter(
        [
            Floats("scalar", [], 1), Floats("twice", [1], 1), Floats("twice", [1], 1), Floats("", [1], 1), Floats("half\ud800", [1], 1),
            new BufferTensor("double", ElementType.F64, new TensorShape(1), new byte[8]),
            new BufferTensor("bool", ElementType.Bool, new TensorShape(1), new byte[1]),
            Floats("deep", [.. Enumerable.Repeat(1L, 17)], 1),
        ]);

        var refused = Assert.Throws<LoraOpsException>(() => OnnxAdapterFile.Write(_folder["out"], adapter));

        Assert.Equal(7, refused.Problems.Count);
        Assert.All(refused.Problems, problem => Assert.Equal(_folder["out"], problem.Where));
        Assert.Equal(3, refused.Problems.Count(problem => problem.Code == ProblemCode.AdapterParameterName));
        Assert.False(File.Exists(_folder["out"]));
    }

    [Fact]
    [Raises(ProblemCode.OnnxAdapterTooLarge)]
    public void Two_gigabytes_are_too_many()
    {
        var large = new OnnxAdapter([new FileTensor("x", ElementType.U8, new TensorShape(int.MaxValue), "nowhere", 0)]);
        var many = new OnnxAdapter(new Same(1_000_000));

        Assert.Contains("2 GiB", Refusal(() => OnnxAdapterFile.ToBytes(large)), StringComparison.Ordinal);
        Assert.Contains("at most 999999", Refusal(() => OnnxAdapterFile.ToBytes(many)), StringComparison.Ordinal);

        using (var file = File.Create(_folder["sparse"]))
        {
            file.Write(File.ReadAllBytes(Golden("golden-0-0")));
            file.SetLength(int.MaxValue + 1L);
        }

        Assert.Contains("2 GiB", Refusal(() => OnnxAdapterFile.Read(_folder["sparse"])), StringComparison.Ordinal);
    }

    private static string Refusal(Action action)
    {
        var refused = Assert.Throws<LoraOpsException>(action);
        Assert.Contains(refused.Problems, problem => problem.Code == ProblemCode.OnnxAdapterTooLarge);
        return refused.Message;
    }

    // The scale of shanghai is alpha / r = 2, folded into B.
    private static (float[] A, float[] B) ShanghaiFactors()
    {
        using var file = LoraOps.Readers.Safetensors.SafetensorsFile.Open(Fixtures.Path("bev-vit", "adapters", "shanghai", "adapter_model.safetensors"));
        float[] Turned(string factor, int rows, int columns, float scale)
        {
            var name = $"base_model.model.vit.layers.0.attention.q_proj.{factor}.weight";
            var values = file.Find(name)!.ToFloats();
            return [.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * columns) + (i / rows)] * scale)];
        }

        return (Turned("lora_A", 8, 64, 1), Turned("lora_B", 64, 8, 2));
    }

    private static string Golden(string name) => Fixtures.Path("bev-vit", "ort", name + ".onnx_adapter");

    private static BufferTensor Floats(string name, long[] dims, params float[] values) =>
        BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(dims), values);

    // So many parameters of one name without their memory.
    private sealed class Same(int count) : IReadOnlyList<Tensor>
    {
        private readonly Tensor _one = new BufferTensor("x", ElementType.U8, new TensorShape(0), ReadOnlyMemory<byte>.Empty);

        public int Count => count;

        public Tensor this[int index] => _one;

        public IEnumerator<Tensor> GetEnumerator() => Enumerable.Range(0, count).Select(i => (Tensor)new BufferTensor(
            $"{i}", ElementType.U8, new TensorShape(0), ReadOnlyMemory<byte>.Empty)).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
