using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>Encodings for Qualcomm's converter: the codes of every quantized activation, weight and bias, by names of the float model.</summary>
public sealed class EncodingsHandOff : HandOffWriter
{
    /// <inheritdoc/>
    public override string Name => "encodings";

    /// <inheritdoc/>
    public override IReadOnlyList<HandOffFile> Files(HandOffNames names) =>
    [
        new(names.Encodings, "encodings, schema " + EncodingsFile.Mapped),
        new(names.EncodingsV1, "the same encodings, schema " + EncodingsFile.Listed),
    ];

    /// <inheritdoc/>
    public override void Write(HandOffModel model, string folder)
    {
        var activations = ActivationsOf(model);
        var taken = activations.Select(encoding => encoding.Tensor).ToHashSet(StringComparer.Ordinal);
        var parameters = Once(model, ParametersOf(model))
            .Where(encoding => taken.Add(encoding.Tensor)).ToList();
        var excluded = model.Layers.Where(layer => !layer.IsQuantized).Select(layer => layer.Name).ToList();
        foreach (var (version, name) in new[] { (EncodingsFile.Mapped, model.Names.Encodings), (EncodingsFile.Listed, model.Names.EncodingsV1) })
            new EncodingsFile(version, activations, parameters) { Excluded = excluded }.Write(Path.Combine(folder, name));

        if (HasFloats(model))
            model.Note("Tensors without an encoding stay float: the converter needs --float_fallback for them.");
    }

    /// <summary>True if a value of the model has no encoding, so that the converter must leave it in float.</summary>
    internal static bool HasFloats(HandOffModel model) => model.Layers.Any(layer => !layer.IsQuantized)
        || ActivationTensors.Of(model.Request.Prepared).Any(tensor => !model.Activations.ContainsKey(tensor));

    // In graph order. What a layer that stays half reads and gives is half, where nothing else has codes for it.
    private static List<TensorEncoding> ActivationsOf(HandOffModel model)
    {
        var halves = model.Layers.Where(layer => layer.Precision == LayerPrecision.Half)
            .Select(layer => layer.Output).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. ActivationTensors.Of(model.Request.Prepared)
                .Where(tensor => model.Activations.ContainsKey(tensor) || halves.Contains(tensor))
                .Select(tensor => model.Activations.TryGetValue(tensor, out var codes)
                    ? TensorEncoding.Of(tensor, codes.Bits, [codes.Scale], codes.UnsignedZeroPoint)
                    : TensorEncoding.Half(tensor)),
        ];
    }

    private static IEnumerable<TensorEncoding> ParametersOf(HandOffModel model) => model.Constants
        .Select(constant => TensorEncoding.Of(constant.Tensor, constant.Bits, constant.Scales, constant.UnsignedZeroPoint))
        .Concat(model.Layers.Where(layer => layer is { Precision: LayerPrecision.Half, Weight: not null })
            .Select(layer => TensorEncoding.Half(layer.Weight ?? "")));

    // A constant that two layers read with other codes has no one encoding.
    private static IEnumerable<TensorEncoding> Once(HandOffModel model, IEnumerable<TensorEncoding> encodings)
    {
        foreach (var same in encodings.GroupBy(encoding => encoding.Tensor, StringComparer.Ordinal))
        {
            if (same.All(other => other.Scales.SequenceEqual(same.First().Scales) && other.Bits == same.First().Bits))
                yield return same.First();
            else
                model.Note($"'{same.Key}' is read by several layers with different codes and has no encoding of its own.");
        }
    }
}
