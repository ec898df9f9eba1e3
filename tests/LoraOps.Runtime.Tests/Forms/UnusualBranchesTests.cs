using System.Runtime.InteropServices;
using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>Branches beside layers that have no names, that ONNX Runtime rewrote, or whose weights are quantized.</summary>
public sealed class UnusualBranchesTests : IDisposable
{
    private const float Limit = 1e-4f;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Branches_in_a_graph_without_names_give_PyTorchs_logits(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        var model = OnnxModel.Load(export.Model).Clone();
        Anonymous.Strip(model);

        AssertLogits(export, model);
    }

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Branches_in_an_optimized_graph_give_PyTorchs_logits_or_are_refused(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        var path = _folder["optimized.onnx"];
        var settings = new SessionSettings { Optimization = GraphOptimization.Extended, OptimizedModelPath = path };
        OnnxSession.Open(OnnxModel.Load(export.Model), settings).Dispose();
        try
        {
            AssertLogits(export, OnnxModel.Load(path));
        }
        catch (LoraOpsException refusal)
        {
            // A convolution that took its Relu in has no output of its own any more.
            Assert.All(refusal.Problems, problem => Assert.Equal(ProblemCode.OutputFused, problem.Code));
            Assert.Contains("neck-cnn", export.Model, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Branches_beside_quantized_weights_compute_what_is_folded_into_their_values(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        var (codes, values) = (OnnxModel.Load(export.Model).Clone(), OnnxModel.Load(export.Model).Clone());
        Quantize(codes, values);
        var adapters = Adapters(export);

        Conversion branched;
        try
        {
            branched = InputsForm.Convert(codes, adapters, new MappingOptions());
        }
        catch (LoraOpsException refusal)
        {
            Assert.All(refusal.Problems, problem => Assert.True(
                problem.Code is ProblemCode.WeightRewritten or ProblemCode.ModuleUnmapped or ProblemCode.WeightTypeUnsupported, problem.ToString()));
            return;
        }

        // Optimized, ONNX Runtime would quantize the activations as well.
        branched.Model.Save(_folder["branched.onnx"]);
        using var settings = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
        using var session = new InferenceSession(_folder["branched.onnx"], settings);
        var mergeable = adapters.Zip(branched.Adapters).Where(pair => pair.First.Adapter.Modules.All(module => module.Delta.Refusal is null));
        foreach (var (source, adapter) in mergeable)
        {
            MergedForm.Convert(values, [source], new MappingOptions()).Model.Save(_folder["merged.onnx"]);
            AssertSame(session, adapter, export.Reference(adapter.Name));
        }
    }

    private void AssertSame(InferenceSession session, NamedAdapter adapter, string record)
    {
        using var reference = SafetensorsFile.Open(record);
        using var merged = ReferenceRun.Open(_folder["merged.onnx"]);
        var file = _folder[adapter.Name + ".onnx_adapter"];
        OnnxAdapterFile.Write(file, adapter.Content, OnnxAdapterLayout.Streaming);
        var expected = ReferenceRun.Run(merged, reference, null);
        var actual = ReferenceRun.Run(session, reference, file);
        Assert.InRange(ReferenceRun.Largest(actual, expected), 0, Limit);
    }

    private static List<WeightedAdapter> Adapters(TrainedExport export) =>
        [.. export.Adapters.Select(name => new WeightedAdapter(PeftReader.Read(export.Adapter(name))))];

    private void AssertLogits(TrainedExport export, OnnxModel model)
    {
        using var checkpoint = Checkpoint.Open(export.Checkpoint);
        var conversion = InputsForm.Convert(model, Adapters(export), new MappingOptions { Base = checkpoint });
        conversion.Model.Save(_folder["model.onnx"]);
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        foreach (var adapter in conversion.Adapters)
            AssertRecorded(session, adapter, export.Reference(adapter.Name));
    }

    private void AssertRecorded(InferenceSession session, NamedAdapter adapter, string record)
    {
        using var reference = SafetensorsFile.Open(record);
        var file = _folder[adapter.Name + ".onnx_adapter"];
        OnnxAdapterFile.Write(file, adapter.Content, OnnxAdapterLayout.Streaming);
        Assert.InRange(ReferenceRun.Distance(session, reference, "logits", file), 0, Limit);
        Assert.InRange(ReferenceRun.Distance(session, reference, "base_logits", null), 0, Limit);
    }

    // The weight of every MatMul and Gemm as int8 codes with one scale, and as what these codes stand for.
    private static void Quantize(OnnxModel codes, OnnxModel values)
    {
        var index = new GraphIndex(codes);
        foreach (var use in WeightUses.Find(index).Where(use => use.Node.OpType is "MatMul" or "Gemm" && use.Chain.Count == 0)
            .DistinctBy(use => use.Name).Where(use => index.Consumers(use.Name).Count == 1))
        {
            if (codes.Graph.Initializer.All(tensor => tensor.Name != use.Name))
                continue;

            var floats = codes.Read(use.Tensor).ToFloats();
            var scale = floats.Max(Math.Abs) / 127;
            var quantized = Array.ConvertAll(floats, value => (sbyte)Math.Clamp(Math.Round(value / scale), -127, 127));
            var tensor = OnnxTensor.Create(use.Name + "_q", DataType.Int8, [.. use.Tensor.Dims], MemoryMarshal.AsBytes(quantized.AsSpan()));
            codes.Graph.Initializer.Remove(use.Tensor);
            codes.Graph.Initializer.Add(tensor);
            codes.Graph.Initializer.Add(OnnxTensor.Create(use.Name + "_s", [], [scale]));
            codes.Graph.Node.Insert(0, new NodeProto
            {
                OpType = "DequantizeLinear",
                Name = use.Name + "_dq",
                Input = { use.Name + "_q", use.Name + "_s" },
                Output = { use.Name },
            });
            var same = values.Graph.Initializer.Single(other => other.Name == use.Name);
            values.Write(same, MemoryMarshal.AsBytes(Array.ConvertAll(quantized, code => code * scale).AsSpan()).ToArray());
        }
    }
}
