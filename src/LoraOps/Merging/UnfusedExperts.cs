using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>
/// transformers 5 runs experts as fused parameters (<c>gate_up_proj</c>, <c>down_proj</c>), which checkpoints store expert by
/// expert as <c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c> or Mixtral's <c>w1</c>, <c>w3</c>, <c>w2</c>: the gate's rows come first.
/// </summary>
internal static class UnfusedExperts
{
    private const int MostExperts = 1 << 14;
    private const string GateUp = "gate_up_proj";
    private const string Down = "down_proj";

    // The layer of one expert, the fused parameter, which part of its rows and how many parts there are.
    private static readonly (string Layer, string Fused, int Part, int Parts)[] Layers =
    [
        ("gate_proj", GateUp, 0, 2), ("up_proj", GateUp, 1, 2), ("down_proj", Down, 0, 1),
        ("w1", GateUp, 0, 2), ("w3", GateUp, 1, 2), ("w2", Down, 0, 1),
    ];

    /// <summary>The parts of a fused adapter for a base that stores each expert by itself; none if it does not.</summary>
    public static List<(ModuleName Module, Delta Delta)> Of(SourceModel model, ModuleName module, ExpertsDelta delta)
    {
        var layers = Layers.Where(layer => delta.Parameters.Contains(layer.Fused) && Stored(model, module, 0, layer.Layer) is { } stored &&
            stored.Shape.Equals(new TensorShape(delta.B.Shape[0] / layer.Parts, delta.A.Shape[1])) && delta.B.Shape[0] % layer.Parts == 0).ToList();
        var experts = layers.Count == 0
            ? 0
            : Enumerable.Range(0, MostExperts).TakeWhile(expert => Stored(model, module, expert, layers[0].Layer) is not null).Count();
        if (experts == 0 || delta.A.Shape[0] % experts != 0 || layers.Select(layer => layer.Fused).Distinct().Count() > 1)
            return [];

        return [.. layers.SelectMany(layer => delta.Split(layer.Fused, experts, layer.Part, layer.Parts)
            .Select((part, expert) => (Layer(module, expert, layer.Layer), (Delta)part)))];
    }

    /// <summary>The rows of a fused parameter that a layer of one expert became; null if the base has none such.</summary>
    public static (Tensor Stored, ExpertRowsDelta Delta)? Fused(SourceModel model, ModuleName module, Delta delta)
    {
        var segments = module.Segments;
        if (delta is not LoraDelta { Layer: LayerKind.Linear } lora || segments.Length < 3 ||
            !int.TryParse(segments[^2], NumberStyles.None, CultureInfo.InvariantCulture, out var expert))
            return null;

        var owner = new ModuleName(string.Join('.', segments[..^2]));
        return Layers.Where(layer => layer.Layer == segments[^1])
            .Select(layer => model.Find(owner, layer.Fused) is { } stored
                ? (stored, new ExpertRowsDelta(lora, layer.Fused, expert, layer.Part, layer.Parts))
                : ((Tensor, ExpertRowsDelta)?)null)
            .FirstOrDefault(found => found is not null);
    }

    private static Tensor? Stored(SourceModel model, ModuleName module, int expert, string layer) =>
        ModuleAliases.Candidates(module).Select(name => model.Find(Layer(name, expert, layer), "weight")).FirstOrDefault(stored => stored is not null);

    private static ModuleName Layer(ModuleName module, int expert, string layer) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{module}.{expert}.{layer}"));
}
