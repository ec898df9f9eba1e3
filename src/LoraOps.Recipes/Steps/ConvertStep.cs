using LoraOps.Adapters;
using LoraOps.Bundles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Recipes.Caching;
using LoraOps.Runtime.Parity;
using LoraOps.Transforms;

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

        // A mix is made beside the entry, and read as long as it is merged: what is left of it is the model, and how it came to be.
        using var beside = adapter.Recipe.Mix is null ? null : plan.Output.Scratch($"{adapter.Key}-mix");
        var (active, mix) = adapter.Recipe.Mix is { } how && beside is not null
            ? Mixed(adapter, how, beside[adapter.Recipe.Name], stop)
            : (adapter.Sources[0].Adapter, null);
        Merge(active).Save(model);
        stop.ThrowIfCancellationRequested();
        var manifest = new BundleManifest
        {
            Name = adapter.Recipe.Name,
            Form = "merged",
            Adapters =
            [
                .. adapter.Sources.Select(source =>
                    new ManifestAdapter(source.Adapter.Name, source.Adapter.Digest, source.Adapter.Config.BaseModel, source.Weight)),
            ],
            Mix = mix,
            Base = plan.Inputs.Origin,
            Parity = [.. Prove(adapter.Recipe, model, stop)],
        };
        return StageEntry.Keep(plan.Output, adapter.Key, scratch, manifest);
    }

    private (Adapter Adapter, ManifestMix? Made) Mixed(PlannedAdapter adapter, RecipeMix mix, string folder, CancellationToken stop)
    {
        using (var mixing = MixPlan.Make(mix.Request(adapter.Sources, plan.Recipe.Weights?.Value, folder)))
            mixing.Run(stop: stop);

        var read = PeftReader.Read(folder, adapter.Recipe.Name);
        return (read, new ManifestMix(mix.Method.Name, mix.Given.ToDictionary(), read.Digest));
    }

    private OnnxModel Merge(Adapter adapter)
    {
        using var weights = plan.Recipe.Weights is { } file ? Checkpoint.Open(file.Value) : null;
        var model = OnnxModel.Load(plan.Recipe.Model.Value);
        return MergedForm.Convert(model, [new WeightedAdapter(adapter)], new MappingOptions { Base = weights }).Model;
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
        var evaluation = adapter.Evaluation.Open();
        yield return Proof.Of(Adapted, "base model", ParityRun.Measure(model, origin, evaluation, null, stop), []);
    }
}
