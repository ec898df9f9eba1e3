using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Recovering;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Tests.Forms;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Recovering;

/// <summary>
/// Smoothing and equalising change the basis that an adapter's factors act in. Models of every export are rescaled with arbitrary factors
/// and must still give PyTorch's logits for each adapter, from the adapter files as they were.
/// </summary>
public sealed class AdaptersStayRightTests : IDisposable
{
    private const float Limit = 2e-4f;
    private static readonly ChipProfile Chip = ChipProfiles.Find("x64-vnni");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Adapters_as_inputs(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        using var checkpoint = Checkpoint.Open(export.Checkpoint);
        var adapters = export.Adapters.Select(name => new WeightedAdapter(PeftReader.Read(export.Adapter(name)))).ToList();
        var conversion = InputsForm.Convert(OnnxModel.Load(export.Model), adapters, new MappingOptions { Base = checkpoint });
        foreach (var adapter in conversion.Adapters)
            OnnxAdapterFile.Write(_folder[adapter.Name + ".onnx_adapter"], adapter.Content, OnnxAdapterLayout.Streaming);

        foreach (var mayInsert in new[] { false, true })
        {
            Assert.NotEqual(0, Rescale(conversion.Model, mayInsert));
            Compare(export, conversion.Adapters.Select(adapter => adapter.Name));
        }
    }

    private void Compare(TrainedExport export, IEnumerable<string> names)
    {
        using var session = ReferenceRun.Open(_folder["model.onnx"]);
        foreach (var name in names)
            Compare(session, export.Reference(name), _folder[name + ".onnx_adapter"]);
    }

    private static void Compare(InferenceSession session, string record, string adapter)
    {
        using var reference = SafetensorsFile.Open(record);
        Assert.InRange(ReferenceRun.Distance(session, reference, "logits", adapter), 0, Limit);
        Assert.InRange(ReferenceRun.Distance(session, reference, "base_logits", null), 0, Limit);
    }

    [Theory]
    [MemberData(nameof(TrainedModels.Exports), MemberType = typeof(TrainedModels))]
    public void Adapters_in_the_graph(TrainedExport export)
    {
        ArgumentNullException.ThrowIfNull(export);
        using var checkpoint = Checkpoint.Open(export.Checkpoint);
        var adapters = export.Adapters.Select(name => new WeightedAdapter(PeftReader.Read(export.Adapter(name)))).ToList();
        var model = SwitchableForm.Convert(OnnxModel.Load(export.Model), adapters, new MappingOptions { Base = checkpoint }).Model;
        foreach (var mayInsert in new[] { false, true })
        {
            Assert.NotEqual(0, Rescale(model, mayInsert));
            using var session = ReferenceRun.Open(_folder["model.onnx"]);
            using var mixed = MixedBatch.Of(export);
            var together = mixed.Run(session, rows => ("adapter", MixedBatch.Numbers(rows)));
            Assert.InRange(ReferenceRun.Largest(together, mixed.Expected), 0, Limit);
        }
    }

    // How many values were rescaled; the factors are seeded, within a few powers of two.
    private int Rescale(OnnxModel model, bool mayInsert)
    {
        var prepared = GraphPreparation.Prepare(model);
        var equalized = Equalization.Apply(prepared, Chip);
        var settings = new SmoothSettings(0.8, mayInsert);
        var random = new Random(7);
        var index = new GraphIndex(prepared);
        var statistics = SmoothQuant.Values(prepared, Chip, settings).Keys.ToDictionary(
            value => value,
            value => Statistics(random, Channels(prepared, index, value)));
        var (smoothed, _) = SmoothQuant.Apply(prepared, Chip, statistics, settings);
        prepared.Save(_folder["model.onnx"]);
        return equalized.Count + smoothed.Count(activation => activation.Alpha is not null);
    }

    private static int Channels(OnnxModel model, GraphIndex index, string value) => index.Readers(value)
        .Select(node => ChannelScaling.Find(model, index, node, mayInsert: true)?.Channels ?? 0).First(channels => channels > 0);

    private static ChannelStatistics Statistics(Random random, int channels)
    {
        float[] max = [.. Enumerable.Range(0, channels).Select(_ => (float)Math.Exp(3 * random.NextDouble()))];
        return new ChannelStatistics([.. max.Select(value => -value)], max, new double[channels], [.. max.Select(value => value * value / 3.0)]);
    }
}
