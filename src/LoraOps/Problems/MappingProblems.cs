using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can go wrong when an adapter's modules are looked up in a graph.</summary>
public static class MappingProblems
{
    private const string MapAdvice = "Check that the adapter belongs to this model, give the base's weights with --base, or name the node with --map";

    /// <summary><see cref="ProblemCode.ModuleUnmapped"/></summary>
    public static Problem ModuleUnmapped(string model, string module, string nearMisses) => new(
        ProblemCode.ModuleUnmapped, model, $"no node of the graph is module '{module}' of the adapter{nearMisses}", $"{MapAdvice}.");

    /// <summary><see cref="ProblemCode.ModuleAmbiguous"/></summary>
    public static Problem ModuleAmbiguous(string model, string module, string candidates) => new(
        ProblemCode.ModuleAmbiguous, model, $"module '{module}' may be any of {candidates}", "Name the right one with --map.");

    /// <summary><see cref="ProblemCode.NodeClaimedTwice"/></summary>
    public static Problem NodeClaimedTwice(string model, string node, string first, string second) => new(
        ProblemCode.NodeClaimedTwice, model, $"node '{node}' would be both '{first}' and '{second}'", "Name the right ones with --map.");

    /// <summary><see cref="ProblemCode.WeightRewritten"/></summary>
    public static Problem WeightRewritten(string model, string module, string evidence, bool hasBase) => new(
        ProblemCode.WeightRewritten, model,
        $"the stored weight of module '{module}' is not the module's own: {evidence}, so a batch norm was folded into it",
        (hasBase ? "Check that --base is the model that the graph was exported from, or export" : "Give the base's weights with --base, or export")
        + " the model with batch norms kept (TorchScript: training=TRAINING or do_constant_folding=False; dynamo: optimize=False).");

    /// <summary><see cref="ProblemCode.BaseDiffers"/></summary>
    public static Problem BaseDiffers(string model, string module, string initializer, string found) => new(
        ProblemCode.BaseDiffers, model, $"initializer '{initializer}' does not hold the base's values of module '{module}': {found}",
        "Check that --base and the graph are the same model, exported without folding.");

    /// <summary><see cref="ProblemCode.SiteShapeDiffers"/></summary>
    public static Problem SiteShapeDiffers(string model, string module, string needed, string found) => new(
        ProblemCode.SiteShapeDiffers, model, $"module '{module}' needs {needed}, the graph has {found}", $"{MapAdvice}.");

    /// <summary><see cref="ProblemCode.ConvolutionGrouped"/></summary>
    public static Problem ConvolutionGrouped(string model, string module, long groups) => new(
        ProblemCode.ConvolutionGrouped, model,
        $"module '{module}' is a convolution of {groups} groups; its adapter sees all input channels, so no grouped kernel equals the sum",
        "Train the adapter without this module: PEFT cannot merge it either.");

    /// <summary><see cref="ProblemCode.MapInvalid"/></summary>
    public static Problem MapInvalid(string path, string reason) => new(
        ProblemCode.MapInvalid, path, $"is no usable mapping: {reason}",
        "Write {\"module name\": \"initializer or node name\"}, or {\"at\": \"name\", \"rows\": [first, count]} for a part of a packed weight.");

    /// <summary><see cref="ProblemCode.WeightTypeUnsupported"/></summary>
    public static Problem WeightTypeUnsupported(string model, string module, string type) => new(
        ProblemCode.WeightTypeUnsupported, model, $"the weight of module '{module}' is stored as {type}; F32, F16 and BF16 can be changed",
        "Export the model in one of these types; a quantized weight can stay as it is beside the branches of --form inputs or switchable.");

    /// <summary><see cref="ProblemCode.ParameterUnmapped"/></summary>
    public static Problem ParameterUnmapped(string model, string parameter, string reason) => new(
        ProblemCode.ParameterUnmapped, model, $"the adapter replaces '{parameter}', but {reason}", "Check that the adapter belongs to this model.");

    /// <summary><see cref="ProblemCode.ReplacedTwice"/></summary>
    public static Problem ReplacedTwice(string parameter, string first, string second) => new(
        ProblemCode.ReplacedTwice, parameter, $"both adapters '{first}' and '{second}' replace it as a whole", "Convert them one at a time.");

    /// <summary><see cref="ProblemCode.ResultNotFinite"/></summary>
    public static Problem ResultNotFinite(string model, string module, string type) => new(
        ProblemCode.ResultNotFinite, model, $"the merged weight of module '{module}' leaves the range of {type}",
        "Use a smaller adapter weight, or a base in BF16 or F32.");

    /// <summary><see cref="ProblemCode.DeltaUnmapped"/></summary>
    public static Problem DeltaUnmapped(string adapter, string parameter, string method) => new(
        ProblemCode.DeltaUnmapped, adapter,
        $"method {method} changes '{parameter}', which cannot be found in a graph by the shape of a weight",
        "Merge the adapter into the checkpoint with 'loraops merge' and export the result.");

    /// <summary><see cref="ProblemCode.WeightTooLarge"/></summary>
    public static Problem WeightTooLarge(string model, string module, long bytes) => new(
        ProblemCode.WeightTooLarge, model,
        $"the weight of module '{module}' has {bytes.ToString(CultureInfo.InvariantCulture)} bytes; a weight of up to 2 GiB can be changed",
        "Export the model in half precision, or train without this module.");

    /// <summary><see cref="ProblemCode.OutputFused"/></summary>
    public static Problem OutputFused(string model, string module, string node, string operation) => new(
        ProblemCode.OutputFused, model,
        $"module '{module}' is inside node '{node}' ({operation}), which goes on computing with its output, so nothing can be added to it",
        "Convert with --form merged, or take the graph from before ONNX Runtime's optimizer.");
}
