using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// Every adapter of every trained model, folded into every export of it, against the logits that PyTorch recorded with the
/// adapter active. ONNX Runtime is called directly, so that these numbers depend on nothing else of ours.
/// </summary>
public sealed class MergedFormParityTests : IDisposable
{
    private const float Limit = 1e-4f;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string, string> Cases()
    {
        var data = new TheoryData<string, string, string>();
        var root = Fixtures.Shared is { } shared ? Path.Combine(shared, "models") : Fixtures.Path();
        foreach (var folder in new[] { "bev-vit", "neck-cnn", "voice-gpt2", "planner-llama" }.Select(model => Path.Combine(root, model)))
        {
            foreach (var exporter in Names(Path.Combine(folder, "onnx")))
            {
                foreach (var adapter in Names(Path.Combine(folder, "adapters")))
                    data.Add(folder, exporter, adapter);
            }
        }

        return data;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gives_the_logits_that_PyTorch_recorded_or_says_why_not(string folder, string exporter, string adapter)
    {
        var model = OnnxModel.Load(Path.Combine(folder, "onnx", exporter, "model.onnx"));
        using var checkpoint = Checkpoint.Open(Path.Combine(folder, "hf"));
        if (adapter == "shanghai-depthwise")
        {
            AssertRefused(ProblemCode.GroupedConvolution, "group", () => Convert(model, folder, adapter, checkpoint));
            return;
        }

        using var reference = SafetensorsFile.Open(Path.Combine(folder, "reference", adapter + ".safetensors"));

        // Both default exports of the CNN fold the batch norms into the convolutions; only the base tells by what.
        if (Path.GetFileName(folder) == "neck-cnn" && (exporter is "torchscript" or "dynamo"))
            AssertRefused(ProblemCode.WeightRewritten, "--base", () => Convert(model, folder, adapter, null));
        else
            Assert.InRange(Distance(Convert(model, folder, adapter, null).Model, reference), 0, Limit);

        var verified = Convert(model, folder, adapter, checkpoint);
        Assert.InRange(Distance(verified.Model, reference), 0, Limit);
        Assert.All(verified.Sites.Where(site => site.Parameter == "weight"), site => Assert.True(site.IsVerified));
    }

    private static void AssertRefused(ProblemCode code, string word, Func<object> convert)
    {
        var refusal = Assert.Throws<LoraOpsException>(convert);
        Assert.All(refusal.Problems, problem => Assert.Equal(code, problem.Code));
        Assert.Contains(word, refusal.Problems[0].ToString(), StringComparison.Ordinal);
    }

    private static Conversion Convert(OnnxModel model, string folder, string adapter, Checkpoint? checkpoint)
    {
        var read = PeftReader.Read(Path.Combine(folder, "adapters", adapter));
        return MergedForm.Convert(model, [new WeightedAdapter(read)], new MappingOptions { Base = checkpoint });
    }

    private float Distance(OnnxModel model, SafetensorsFile reference) => Distance(model, reference, _folder["model.onnx"]);

    /// <summary>The largest difference of a model's logits from the recorded ones.</summary>
    internal static float Distance(OnnxModel model, SafetensorsFile reference, string path)
    {
        model.Save(path);
        using var session = new InferenceSession(path);
        var inputs = session.InputNames.ToDictionary(name => name, name => Value(reference.Find(name)));
        using var run = new RunOptions();
        using var results = session.Run(run, inputs, ["logits"]);
        foreach (var input in inputs.Values)
            input.Dispose();

        var actual = results[0].GetTensorDataAsSpan<float>();
        var expected = reference.Find("logits")!.ToFloats();
        var largest = 0f;
        for (var i = 0; i < expected.Length; i++)
            largest = Math.Max(largest, float.IsNaN(actual[i]) ? float.PositiveInfinity : Math.Abs(actual[i] - expected[i]));

        return largest;
    }

    private static OrtValue Value(Tensor? tensor)
    {
        Assert.NotNull(tensor);
        long[] dims = [.. tensor.Shape.Dims];
        return tensor.Type == ElementType.I64
            ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(tensor.ToFloats(), value => (long)value), dims)
            : OrtValue.CreateTensorValueFromMemory(tensor.ToFloats(), dims);
    }

    private static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateDirectories(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal);
}
