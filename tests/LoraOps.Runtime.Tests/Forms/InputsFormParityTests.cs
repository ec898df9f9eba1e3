using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// Every export of every trained model with all of its adapters as overridable inputs: with one activated it gives the logits that PyTorch
/// recorded, with none those of the base graph. ONNX Runtime is called directly, so that these numbers depend on nothing else of ours.
/// </summary>
public sealed class InputsFormParityTests : IDisposable
{
    private const float Limit = 1e-4f;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Each_adapter_gives_PyTorchs_logits_and_none_gives_the_base(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        using var checkpoint = Checkpoint.Open(export.Checkpoint);
        var model = OnnxModel.Load(export.Model);
        var adapters = export.Adapters.Select(name => new WeightedAdapter(PeftReader.Read(export.Adapter(name)))).ToList();
        var conversion = InputsForm.Convert(model, adapters, new MappingOptions { Base = checkpoint });
        conversion.Model.Save(_folder["model.onnx"]);
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        using var plain = ReferenceRun.Open(export.Model);
        foreach (var adapter in conversion.Adapters)
            Check(export, session, plain, adapter);
    }

    private void Check(TrainedExport export, InferenceSession session, InferenceSession plain, NamedAdapter adapter)
    {
        using var reference = SafetensorsFile.Open(export.Reference(adapter.Name));
        var file = _folder[adapter.Name + ".onnx_adapter"];
        OnnxAdapterFile.Write(file, adapter.Content, OnnxAdapterLayout.Streaming);
        Assert.InRange(ReferenceRun.Distance(session, reference, "logits", file), 0, Limit);
        Assert.InRange(ReferenceRun.Distance(session, plain, reference), 0, 1e-6f * Math.Max(1, reference.Find("base_logits")!.ToFloats().Max(Math.Abs)));
        Assert.InRange(ReferenceRun.Distance(session, reference, "base_logits", null), 0, Limit);
    }
}
