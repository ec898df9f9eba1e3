using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// Every export of every trained model with all of its adapters in one graph: each row of a mixed batch gives the logits that PyTorch recorded
/// for its own adapter, and the separate runs give the same.
/// </summary>
public sealed class SwitchableFormParityTests : IDisposable
{
    private const float Limit = 1e-4f;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Each_row_of_a_mixed_batch_gives_the_logits_of_its_own_adapter(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        Convert(export, new FormOptions());
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        using var mixed = MixedBatch.Of(export);
        var together = mixed.Run(session, rows => ("adapter", MixedBatch.Numbers(rows)));
        Assert.InRange(ReferenceRun.Largest(together, mixed.Expected), 0, Limit);

        var separate = mixed.RunSeparately(session, row => ("adapter", MixedBatch.Numbers([row])));
        Assert.InRange(ReferenceRun.Largest(together, separate), 0, 1e-5f);
    }

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void A_one_hot_blend_selects_and_zeros_are_the_base(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        Convert(export, new FormOptions { Blends = true });
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        using var mixed = MixedBatch.Of(export);
        var together = mixed.Run(session, rows => ("adapter_weights", MixedBatch.OneHot(rows, export.Adapters.Count)));
        Assert.InRange(ReferenceRun.Largest(together, mixed.Expected), 0, Limit);

        using var plain = ReferenceRun.Open(export.Model);
        var idle = mixed.Run(session, rows => ("adapter_weights", MixedBatch.OneHot([.. rows.Select(_ => 0)], export.Adapters.Count)));
        var truth = mixed.Run(plain, null);
        Assert.InRange(ReferenceRun.Largest(idle, truth), 0, 1e-6f * Math.Max(1, truth.Max(Math.Abs)));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(8)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_number_that_no_adapter_has_fails_the_run(long number)
    {
        var export = new TrainedExport(Fixtures.Path("bev-vit"), "torchscript", ["shanghai", "guangzhou"]);
        Convert(export, new FormOptions());
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        using var mixed = MixedBatch.Of(export);
        Assert.Throws<OnnxRuntimeException>(() => mixed.Run(session, rows => ("adapter", MixedBatch.Numbers([.. rows.Select(_ => number)]))));
    }

    private void Convert(TrainedExport export, FormOptions options)
    {
        using var checkpoint = Checkpoint.Open(export.Checkpoint);
        var model = OnnxModel.Load(export.Model);
        var adapters = export.Adapters.Select(name => new WeightedAdapter(PeftReader.Read(export.Adapter(name)))).ToList();
        SwitchableForm.Convert(model, adapters, new MappingOptions { Base = checkpoint }, options).Model.Save(_folder["model.onnx"]);
    }
}
