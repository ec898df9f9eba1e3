using LoraOps.Adapters;
using LoraOps.Bundles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Recipes.Caching;
using LoraOps.Runtime.Parity;

namespace LoraOps.Recipes.Steps;

/// <summary>Merges an adapter into the base, and holds the result against PyTorch's record and against the base.</summary>
internal sealed class ConvertStep(Plan plan)
{
    /// <summary>The comparison with the record.</summary>
    public const string Converted = "convert";

    /// <summary>The comparison with the base: what the adapter does to the task.</summary>
    public const string Adapted = "adapt";

    /// <summary>The model's file name, in entries and bundles.</summary>
    public const string ModelName = "model.onnx";

    /// <summary>Does the step and keeps its result under the adapter's key.</summary>
    public BundleManifest Run(PlannedAdapter adapter, CancellationToken stop)
    {
        using var scratch = plan.Output.Scratch(adapter.Key);
        var model = scratch[ModelName];
        Merge(adapter).Save(model);
        stop.ThrowIfCancellationRequested();
        var manifest = new BundleManifest
        {
            Name = adapter.Recipe.Name,
            Form = "merged",
            Adapters = [new ManifestAdapter(adapter.Recipe.Name, adapter.Adapter.Digest, adapter.Adapter.Config.BaseModel, 1)],
            Base = plan.Inputs.Origin,
            Parity = [.. Prove(adapter.Recipe, model, stop)],
        };
        return StageEntry.Keep(plan.Output, adapter.Key, scratch, manifest);
    }

    private OnnxModel Merge(PlannedAdapter adapter)
    {
        using var weights = plan.Recipe.Weights is { } file ? Checkpoint.Open(file.Value) : null;
        var model = OnnxModel.Load(plan.Recipe.Model.Value);
        return MergedForm.Convert(model, [new WeightedAdapter(adapter.Adapter)], new MappingOptions { Base = weights }).Model;
    }

    private IEnumerable<ManifestCheck> Prove(RecipeAdapter adapter, string model, CancellationToken stop)
    {
        if (adapter.Expected is { } expected)
        {
            var record = SampleSet.Open(expected.Value);
            using var recorded = ParityReference.FromRecord(record);
            yield return Proof.Of(
                Converted, Path.GetFileName(expected.Value), ParityRun.Measure(model, recorded, record, null, stop), plan.Recipe.ConvertGates);
        }

        using var origin = ParityReference.FromModel(plan.Recipe.Model.Value);
        var evaluation = SampleSet.Open(adapter.Evaluation.Value);
        yield return Proof.Of(Adapted, "base model", ParityRun.Measure(model, origin, evaluation, null, stop), []);
    }
}
