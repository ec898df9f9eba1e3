using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <content>Files for a vendor's compiler: they must say what the model says.</content>
public static partial class ChipRules
{
    private static readonly string[] Normalising = ["Sub", "Add", "Mul", "Div", "BatchNormalization"];

    private static readonly string[] AippFactors = ["mean_chn_", "min_chn_", "var_reci_chn_"];

    internal static ChipRule CacheLines => new(
        "TRT-12",
        "The calibration cache has one line for each activation, by its name and with its magnitude over 127",
        "Write the cache again from the ranges of this model.",
        scope =>
        {
            var cache = scope.HandOff!.Cache;
            return scope.Float is { } model
                ? CacheNames(cache, model).Concat(CacheValues(scope, cache))
                : [new Breach("the calibration cache", "lies without its float model")];
        })
    {
        Needs = RuleSubject.CalibrationCache,
    };

    internal static ChipRule SinglePreparation => new(
        "ASC-09",
        "Mean and deviation of images are applied once, in the AIPP configuration or in the graph",
        "Take them out of the configuration, or out of the graph.",
        scope => AippScales(scope) is { } factor && scope.Shapes.Inputs.FirstOrDefault(input => IsNormalised(scope, input)) is { } input
            ? [new Breach($"input '{input}'", $"is normalised by the graph and by {factor} of the AIPP configuration")]
            : [])
    {
        Needs = RuleSubject.AippConfig,
    };

    internal static ChipRule EncodingLists => new(
        "QNN-08",
        "Every quantized activation and parameter has an encoding, one or one per channel, whose ends follow from scale and offset",
        "Write the encodings again from this model.",
        scope =>
        {
            var encodings = scope.HandOff!.Encodings;
            return encodings.Activations.Concat(encodings.Parameters).Where(encoding => !encoding.IsFloat).SelectMany(EndBreaches)
                .Concat(scope.Float is { } model ? EncodingBreaches(scope, encodings, model) : [new Breach("the encodings", "lie without their float model")]);
        })
    {
        Needs = RuleSubject.Encodings,
    };

    private static IEnumerable<Breach> CacheNames(TensorRtCache cache, OnnxModel model)
    {
        var wanted = ActivationTensors.Of(model);
        var lines = cache.Scales.Select(line => line.Tensor).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in wanted.Where(tensor => !lines.Contains(tensor)))
            yield return new Breach($"tensor '{tensor}'", "has no line in the calibration cache");

        foreach (var line in cache.Scales.Where(line => !wanted.Contains(line.Tensor)))
            yield return new Breach($"line '{line.Tensor}'", "of the calibration cache is no activation of the model");
    }

    private static IEnumerable<Breach> CacheValues(RuleScope scope, TensorRtCache cache) => cache.Scales
        .Where(line => scope.Ranges?.TryGetValue(line.Tensor, out var range) == true && !IsClose(line.Scale, TensorRtCache.ScaleOf(range)))
        .Select(line => new Breach($"line '{line.Tensor}'", string.Create(
            CultureInfo.InvariantCulture,
            $"of the calibration cache is {line.Scale:g6}, its range wants {TensorRtCache.ScaleOf(scope.Ranges![line.Tensor]):g6}")));

    private static IEnumerable<Breach> EndBreaches(TensorEncoding encoding) => Enumerable.Range(0, encoding.Minima.Count)
        .Where(i => !IsClose(encoding.Minima[i], TensorEncoding.Low(encoding.Scales[i], encoding.Offsets[i]))
            || !IsClose(encoding.Maxima[i], TensorEncoding.High(encoding.Scales[i], encoding.Offsets[i], encoding.Bits)))
        .Take(1)
        .Select(i => new Breach($"tensor '{encoding.Tensor}'", string.Create(
            CultureInfo.InvariantCulture, $"has an encoding from {encoding.Minima[i]:g6} to {encoding.Maxima[i]:g6}, which its scale and offset do not give")));

    private static IEnumerable<Breach> EncodingBreaches(RuleScope scope, EncodingsFile file, OnnxModel model)
    {
        var values = model.Graph.Input.Select(input => input.Name).Concat(model.Graph.Node.SelectMany(node => node.Output)).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in QuantizedActivation.Of(scope.Model, values).Keys.Order(StringComparer.Ordinal).Where(tensor => file.Find(tensor) is null))
            yield return new Breach($"tensor '{tensor}'", "is quantized and has no encoding");

        foreach (var same in QuantizedConstant.Of(new Counterparts(model, scope.Model)).GroupBy(constant => constant.Tensor, StringComparer.Ordinal))
        {
            if (file.Find(same.Key) is not { } encoding)
            {
                // What two layers read with other scales has no one encoding.
                yield return new Breach($"tensor '{same.Key}'", "is quantized and has no encoding")
                {
                    IsMinor = same.Any(constant => !constant.Scales.SequenceEqual(same.First().Scales)),
                };
            }
            else if (encoding.Scales.Count > 1 && !IsChannels(model, same.Key, encoding.Scales.Count))
            {
                yield return new Breach($"tensor '{same.Key}'", $"has {encoding.Scales.Count} encodings, which is not its number of channels");
            }
        }
    }

    private static bool IsChannels(OnnxModel model, string tensor, int count) =>
        model.Graph.Initializer.FirstOrDefault(stored => stored.Name == tensor)?.Dims.Contains(count) != false;

    private static string? AippScales(RuleScope scope)
    {
        var path = scope.HandOff!.AippConfig!;
        return Fields(AippFields(path)).FirstOrDefault(field => AippFactors.Any(name => field.Name.StartsWith(name, StringComparison.Ordinal))
            && double.TryParse(field.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value != (field.Name.StartsWith("var", StringComparison.Ordinal) ? 1 : 0))?.Name;
    }

    private static IReadOnlyList<ProtoField> AippFields(string path)
    {
        try
        {
            return ProtoText.Parse(HandOffText.Read(path, "AIPP configuration"));
        }
        catch (FormatException wrong)
        {
            throw new Problems.LoraOpsException(Problems.HandOffProblems.FileInvalid(path, "AIPP configuration", wrong.Message));
        }
    }

    private static IEnumerable<ProtoField> Fields(IEnumerable<ProtoField> fields) => fields.SelectMany(field => Fields(field.Fields).Prepend(field));

    /// <summary>True if the first thing that happens to an input is an arithmetic with a constant.</summary>
    private static bool IsNormalised(RuleScope scope, string input) => scope.Index.Readers(input).Any(node =>
        node.OpType is "QuantizeLinear" or "DequantizeLinear" or "Cast"
            ? IsNormalised(scope, node.Output[0])
            : node.Is(Normalising) && node.Input.Where(value => value != input).All(value =>
                scope.Index.Constant(value) is not null || scope.IsDequantizedConstant(value)));

    private static bool IsClose(double value, double wanted) => Math.Abs(value - wanted) <= Rounding * Math.Max(Math.Abs(wanted), 1e-30);
}
