using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// Graphs that were rewritten before the adapter came: by ONNX Runtime (fused products, activations and norms), or by a tool
/// that took every name away. Folding into them gives the logits that PyTorch recorded.
/// </summary>
public sealed class OptimizedGraphTests : IDisposable
{
    private const float Limit = 1e-4f;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Every adapter that a graph can hold, on every export.</summary>
    public static TheoryData<string, string, string> Cases()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var row in MergedFormParityTests.Cases().Where(row => !row.Contains("shanghai-depthwise")))
            data.Add((string)row[0], (string)row[1], (string)row[2]);

        return data;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Folds_into_what_ONNX_Runtime_made_of_the_graph(string folder, string exporter, string adapter)
    {
        var optimized = Optimize(OnnxModel.Load(Path.Combine(folder, "onnx", exporter, "model.onnx")));

        AssertLogits(optimized, folder, adapter);
        try
        {
            var merged = Convert(optimized, folder, adapter, null);
            Assert.InRange(Distance(merged, folder, adapter), 0, Limit);
        }
        catch (LoraOpsException refusal)
        {
            // Without the base, what has neither a name nor a bias of its own is not found, and a folded norm is not undone.
            Assert.All(refusal.Problems, problem => Assert.True(
                problem.Code is ProblemCode.WeightRewritten or ProblemCode.ModuleUnmapped && problem.Advice.Contains("--base", StringComparison.Ordinal),
                problem.ToString()));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Folds_into_a_graph_without_any_names(string folder, string exporter, string adapter)
    {
        var model = OnnxModel.Load(Path.Combine(folder, "onnx", exporter, "model.onnx")).Clone();
        Anonymous.Strip(model);

        AssertLogits(model, folder, adapter);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Folds_into_an_optimized_graph_without_any_names(string folder, string exporter, string adapter)
    {
        var model = Optimize(OnnxModel.Load(Path.Combine(folder, "onnx", exporter, "model.onnx")));
        Anonymous.Strip(model);

        AssertLogits(model, folder, adapter);
    }

    private void AssertLogits(OnnxModel model, string folder, string adapter)
    {
        using var checkpoint = Checkpoint.Open(Path.Combine(folder, "hf"));
        var merged = Convert(model, folder, adapter, checkpoint);
        Assert.All(merged.Sites.Where(site => site.Parameter == "weight"), site => Assert.True(site.IsVerified));
        Assert.Equal(merged.Sites.Count, merged.Sites.DistinctBy(site => (site.Module, site.Parameter, site.Initializer)).Count());
        Assert.InRange(Distance(merged, folder, adapter), 0, Limit);
    }

    private static Conversion Convert(OnnxModel model, string folder, string adapter, Checkpoint? checkpoint) => MergedForm.Convert(
        model, [new WeightedAdapter(PeftReader.Read(Path.Combine(folder, "adapters", adapter)))], new MappingOptions { Base = checkpoint });

    private float Distance(Conversion merged, string folder, string adapter)
    {
        using var reference = SafetensorsFile.Open(Path.Combine(folder, "reference", adapter + ".safetensors"));
        return MergedFormParityTests.Distance(merged.Model, reference, _folder["merged.onnx"]);
    }

    private OnnxModel Optimize(OnnxModel model)
    {
        var path = _folder["optimized.onnx"];
        OnnxSession.Open(model, new SessionSettings { Optimization = GraphOptimization.Extended, OptimizedModelPath = path }).Dispose();
        return OnnxModel.Load(path);
    }
}
