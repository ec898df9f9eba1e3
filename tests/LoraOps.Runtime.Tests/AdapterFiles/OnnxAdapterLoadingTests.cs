using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.AdapterFiles;

/// <summary>ONNX Runtime loads what we write and what we accept, and computes with it.</summary>
public sealed class OnnxAdapterLoadingTests : IDisposable
{
    private static readonly string Layer = Fixtures.Path("bev-vit", "ort", "one-layer.onnx");
    private static readonly string Shanghai = Fixtures.Path("bev-vit", "ort", "shanghai-layer0-query.onnx_adapter");

    private static readonly ElementType[] Types =
    [
        ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.U8, ElementType.I8, ElementType.U16, ElementType.I16, ElementType.U32,
        ElementType.I32, ElementType.U64, ElementType.I64, ElementType.F8E4M3, ElementType.F8E4M3Fnuz, ElementType.F8E5M2, ElementType.F8E5M2Fnuz,
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ONNX_Runtime_computes_the_same_with_every_layout()
    {
        var expected = SampleSet.Open(Fixtures.Path("bev-vit", "ort", "expected.safetensors"));
        var adapter = OnnxAdapterFile.Read(Shanghai);
        var shuffled = adapter with { Parameters = [.. adapter.Parameters.Reverse()] };
        OnnxAdapterFile.Write(_folder["streaming"], adapter);
        OnnxAdapterFile.Write(_folder["runtime"], adapter, OnnxAdapterLayout.Runtime);
        OnnxAdapterFile.Write(_folder["turned"], shuffled, OnnxAdapterLayout.Runtime);
        using var session = Session(Layer);

        var recorded = expected.Find("y_adapter")!.ToFloats();
        var real = Run(session, expected, File.ReadAllBytes(Shanghai));
        foreach (var file in new[] { "streaming", "runtime", "turned" })
        {
            Assert.Equal(real, Run(session, expected, File.ReadAllBytes(_folder[file])));
            Assert.Equal(real, Run(session, expected, _folder[file]));
        }

        Assert.True(Furthest(recorded, real) <= 1e-5, $"{Furthest(recorded, real)}");
        Assert.True(Furthest(expected.Find("y_base")!.ToFloats(), Run(session, expected, (OrtLoraAdapter?)null)) <= 1e-5);
    }

    [Fact]
    public void ONNX_Runtime_loads_every_type_and_shape_in_both_layouts()
    {
        foreach (var type in Types)
        {
            foreach (long[] dims in new long[][] { [1], [3], [0], [4, 0], [0, 4], [2, 3, 1, 1] })
            {
                var shape = new TensorShape(dims);
                var parameter = new BufferTensor("x.é漢", type, shape, new byte[shape.ElementCount * type.Bits() / 8]);
                var adapter = new OnnxAdapter([parameter, new BufferTensor("y", type, shape, parameter.ToBytes())]) { ModelVersion = int.MaxValue };
                foreach (var layout in Enum.GetValues<OnnxAdapterLayout>())
                    OrtLoraAdapter.Create(OnnxAdapterFile.ToBytes(adapter, layout), null).Dispose();
            }
        }

        foreach (var layout in Enum.GetValues<OnnxAdapterLayout>())
            OrtLoraAdapter.Create(OnnxAdapterFile.ToBytes(new OnnxAdapter([]), layout), null).Dispose();
    }

    [Fact]
    public void Whatever_passes_our_reader_is_loaded_by_ONNX_Runtime()
    {
        byte[][] goods =
        [
            File.ReadAllBytes(Fixtures.Path("bev-vit", "ort", "golden-0-0.onnx_adapter")),
            File.ReadAllBytes(Fixtures.Path("bev-vit", "ort", "golden-1-1.onnx_adapter")),
            OnnxAdapterFile.ToBytes(OnnxAdapterFile.Read(Fixtures.Path("bev-vit", "ort", "golden-1-1.onnx_adapter"))),
        ];
        var (accepted, theyRefuse) = (0, 0);
        for (var seed = 0; seed < 12_000; seed++)
        {
            var bytes = AdapterMutation.Of(goods[seed % goods.Length], new Random(seed));
            try
            {
                OnnxAdapterFile.Read(bytes, "mutated");
            }
            catch (LoraOpsException)
            {
                theyRefuse++;
                continue;
            }

            accepted++;
            OrtLoraAdapter.Create(bytes, null).Dispose();
        }

        Assert.True(accepted > 500 && theyRefuse > 5000, $"{accepted} accepted, {theyRefuse} refused");
    }

    private static float[] Run(InferenceSession session, SampleSet data, byte[] adapter)
    {
        using var loaded = OrtLoraAdapter.Create(adapter, null);
        return Run(session, data, loaded);
    }

    private static float[] Run(InferenceSession session, SampleSet data, string mapped)
    {
        using var loaded = OrtLoraAdapter.Create(mapped, null);
        return Run(session, data, loaded);
    }

    private static float[] Run(InferenceSession session, SampleSet data, OrtLoraAdapter? adapter)
    {
        using var options = new RunOptions();
        if (adapter is not null)
            options.AddActiveLoraAdapter(adapter);

        var x = data.Find("x")!;
        using var input = OrtValue.CreateTensorValueFromMemory(x.ToFloats(), x.Shape.Dims.ToArray());
        using var results = session.Run(options, ["x"], [input], [.. session.OutputNames]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static InferenceSession Session(string path)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        return new InferenceSession(path, options);
    }

    private static float Furthest(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();
}
