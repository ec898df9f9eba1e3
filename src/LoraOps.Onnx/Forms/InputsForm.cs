using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Branches;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

/// <summary>
/// The form <em>inputs</em>: beside every adapted layer lies a branch whose factors are overridable inputs of rank zero, so that the model is
/// the base until an adapter is activated; each adapter becomes the content of an <c>.onnx_adapter</c> file. Ranks may differ.
/// </summary>
public static class InputsForm
{
    /// <summary>The value of <see cref="FormMetadata.Form"/>.</summary>
    public const string Name = "inputs";

    private const long OldestIrWithDefaults = 4;

    /// <summary>Puts branches into a copy of the model and works out what each adapter feeds them.</summary>
    /// <param name="model">The base graph; not changed.</param>
    /// <param name="adapters">The adapters; a weight scales all that its adapter does.</param>
    /// <param name="options">What the mapping may lean on.</param>
    /// <param name="form">How the branches are made.</param>
    /// <exception cref="LoraOpsException">A module or parameter has no place in the graph, or a value leaves the graph's type.</exception>
    public static Conversion Convert(
        OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options, FormOptions? form = null)
    {
        form ??= new FormOptions();
        var digest = ModelDigest.Of(model);
        var converted = model.Clone();
        AllowDefaults(converted);
        var index = new GraphIndex(converted);
        var plan = BranchPlan.Make(converted, index, adapters, options);
        var names = new NameSet(converted);
        var inputs = new AdapterInputs(converted, names, form.Dialect, adapters);
        var modules = plan.Modules.ToDictionary(module => module.Resolution.Module, module => Declare(converted, module, inputs));
        var constants = new ModelConstants(converted, names);
        var wholes = new WholeValues(converted, index, inputs, constants, names);
        foreach (var whole in plan.Wholes)
            wholes.Override(whole);

        foreach (var parameter in plan.Parameters)
            wholes.Override(parameter);

        var choice = new BranchChoice(converted, form.Branch);
        var nodes = BranchNode.Of(converted, plan, index);
        foreach (var node in nodes)
            new InputsBranch(node, share => modules[share.Module.Resolution.Module], index, constants, names).Write(choice.IsConditional(node));

        if (inputs.Problems.Count > 0)
            throw new LoraOpsException(inputs.Problems);

        new FormMetadata { Form = Name, BaseDigest = digest, Dialect = form.Dialect.Name }.Write(converted);
        return new Conversion(converted, BranchSites.Of(plan, nodes, choice.Reason), BranchSites.Warnings(plan, adapters))
        {
            Adapters = [.. adapters.Select((source, position) => new NamedAdapter(source.Adapter.Name, new OnnxAdapter(inputs.Of(position))
            {
                ModelVersion = ModelDigest.Pairing(digest),
                AdapterVersion = ModelDigest.Pairing(source.Adapter.Digest),
            }))],
        };
    }

    // Before IR version 4 an initializer was listed among the inputs and was a constant all the same.
    private static void AllowDefaults(OnnxModel model)
    {
        if (model.Proto.IrVersion >= OldestIrWithDefaults)
            return;

        var stored = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var input in model.Graph.Input.Where(input => stored.Contains(input.Name)).ToList())
            model.Graph.Input.Remove(input);

        model.Proto.IrVersion = OldestIrWithDefaults;
    }

    private static ModuleInputs Declare(OnnxModel model, BranchModule module, AdapterInputs inputs)
    {
        var (name, first) = (module.Resolution.Module, module.Changes[0].Delta);
        var (layer, shape) = (first.Layer, first.WeightShape!);
        var type = BranchNode.TypeOf(module.Resolution.Places[0].Use);
        var (partA, partB) = layer == LayerKind.Embedding ? ("lora_embedding_A", "lora_embedding_B") : ("lora_A", "lora_B");
        var whole = WeightUse.Whole(shape, first.Groups);
        // A convolution of halves always runs, and none has zero channels: one of zeros.
        var idle = layer == LayerKind.Convolution && type != ElementType.F32 ? 1 : 0;
        var a = inputs.Add(name, partA, Filled(type, BranchProduct.DimsOfA(layer, whole, idle), 0), BranchProduct.RankAxisOfA(layer));
        var b = inputs.Add(name, partB, Filled(type, BranchProduct.DimsOfB(layer, shape, idle), 0), BranchProduct.RankAxisOfB(layer));
        var weight = ModuleWeight.Of(model, module.Resolution, shape);
        var dims = BranchProduct.DimsOfGains(layer, shape);
        var factors = module.Changes.Select(change => (change.Adapter, Factors: FactorsOf(module, change, weight))).ToList();
        var gains = factors.Any(pair => pair.Factors.Gains is not null) ? inputs.Add(name, "lora_g", Filled(type, dims, 1), null) : null;
        foreach (var (adapter, values) in factors)
        {
            inputs.Give(adapter, a, type, BranchProduct.DimsOfA(layer, whole, values.Rank), values.A, name);
            inputs.Give(adapter, b, type, BranchProduct.DimsOfB(layer, shape, values.Rank), values.B, name);
            if (values.Gains is not null)
                inputs.Give(adapter, gains!, type, dims, values.Gains, name);
        }

        return new ModuleInputs(inputs.ValueOf(a), inputs.ValueOf(b), gains is null ? null : inputs.ValueOf(gains));
    }

    internal static BranchFactors FactorsOf(BranchModule module, BranchChange change, TargetWeight weight)
    {
        var factors = BranchFactors.Of(change.Delta, change.Weight, weight);
        return module.Resolution.Places[0].Factors is { } folded ? factors.Times(folded, change.Delta.Layer) : factors;
    }

    private static TensorProto Filled(ElementType type, long[] dims, float value)
    {
        var values = Enumerable.Repeat(value, checked((int)new TensorShape(dims).ElementCount)).ToArray();
        return OnnxTensor.Create("", type, dims, values);
    }
}
