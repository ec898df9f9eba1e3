using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Samples;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>Horizon's build configuration, its types of nodes, and the samples beside them.</content>
public static partial class ChipRules
{
    private static readonly string[] ImageTypes = ["nv12", "yuv444", "rgb", "bgr", "gray", "yuv420sp_bt601_video"];

    private static readonly string[] ScalingKeys = ["mean_value", "scale_value", "std_value"];

    internal static ChipRule HorizonSamples => new(
        "HZN-03",
        "Each input has a folder of 100 to 500 samples of its shape and type",
        "Calibrate on 100 to 500 samples, and write the hand-off files again.",
        SampleBreaches)
    {
        Needs = RuleSubject.BuildConfig,
    };

    internal static ChipRule HorizonImages => new(
        "HZN-04",
        "Images have four dimensions, NV12 ones even sizes, and are normalised once",
        "Correct input_parameters of the build configuration, or take the normalisation out of the graph.",
        scope => InputSettings(scope).Where(input => ImageTypes.Contains(input.TypeRt)).SelectMany(input => ImageBreaches(scope, input)))
    {
        Needs = RuleSubject.BuildConfig,
    };

    internal static ChipRule HorizonWideHeads => new(
        "HZN-08",
        "Outputs that target.int16Outputs names are computed in 16 bits",
        "Lift the last layer of this output to int16.",
        scope => Named(scope, "int16Outputs", "").Where(output => LastLayer(scope, output) is { } layer && !IsWide(scope, layer))
            .Select(output => new Breach($"output '{output}'", $"is computed by {RuleScope.NameOf(LastLayer(scope, output)!)} in 8 bits")));

    internal static ChipRule HorizonKeys => new(
        "HZN-09",
        "No two keys of the build configuration contradict each other",
        "Remove or correct one of the keys.",
        scope => KeyBreaches(scope.HandOff!.BuildConfig))
    {
        Needs = RuleSubject.BuildConfig,
    };

    internal static ChipRule HorizonNodeNames => new(
        "HZN-10",
        "The nodes that quant_config names are in the float model, and that is the one that the files were written for",
        "Write the hand-off files again from this model.",
        scope => scope.Float is { } model ? NodeBreaches(scope, model) : [new Breach("the configuration", "lies without its float model")])
    {
        Needs = RuleSubject.QuantConfig,
    };

    private static IEnumerable<Breach> SampleBreaches(RuleScope scope)
    {
        var inputs = HandOffInput.Of(scope.Float ?? scope.Model, null);
        var folders = Listed(scope.HandOff!.BuildConfig.Find("calibration_parameters", "cal_data_dir"));
        if (folders.Count != inputs.Count)
        {
            yield return new Breach("cal_data_dir", $"names {folders.Count} folders, the model has {inputs.Count} inputs");
            yield break;
        }

        foreach (var (input, folder) in inputs.Zip(folders))
        {
            var path = scope.HandOff.At(folder);
            var files = Directory.Exists(path) ? Directory.GetFiles(path, "*.npy") : [];
            if (files.Length is < CalibrationFolders.Fewest or > CalibrationFolders.Most)
            {
                yield return new Breach(
                    $"folder '{folder}'", $"holds {files.Length} samples, {CalibrationFolders.Fewest} to {CalibrationFolders.Most} are wanted")
                {
                    IsMinor = files.Length > 0,
                };
            }

            foreach (var file in files.Order(StringComparer.Ordinal))
            {
                var array = NpyFile.Open(file, input.Name);
                if (array.Type == input.Type && Fits(array.Shape.Dims, input, scope.Shapes.Find(input.Name)))
                    continue;

                yield return new Breach($"sample '{folder}/{Path.GetFileName(file)}'", string.Create(
                    CultureInfo.InvariantCulture, $"is {array.Type} [{array.Shape}], input '{input.Name}' is {input.Type} [{input.Joined(", ")}]"));
                break;
            }
        }
    }

    // A dimension that the model leaves open takes what the samples have.
    private static bool Fits(ReadOnlySpan<long> dims, HandOffInput input, IReadOnlyList<long>? declared)
    {
        if (dims.Length != input.Dims.Count)
            return false;

        for (var i = 0; i < dims.Length; i++)
        {
            if ((declared is null ? input.Dims[i] : declared[i]) is > 0 and var fixedSize && dims[i] != fixedSize)
                return false;
        }

        return true;
    }

    private static IEnumerable<Breach> ImageBreaches(RuleScope scope, HorizonInput input)
    {
        var where = $"input '{input.Name}'";
        if (input.Shape.Count != 4)
            yield return new Breach(where, $"is an image of type {input.TypeRt} with {input.Shape.Count} dimensions");
        else if (input.TypeRt == "nv12" && (input.Layout == "NHWC" ? input.Shape.Skip(1).Take(2) : input.Shape.Skip(2)).Any(size => size % 2 != 0))
            yield return new Breach(where, $"is an NV12 image of odd size, {string.Join('x', input.Shape)}");

        if (input.IsScaled && IsNormalised(scope, input.Name))
            yield return new Breach(where, "is normalised by the graph and by the build configuration");
    }

    private static IEnumerable<Breach> KeyBreaches(HorizonYaml yaml)
    {
        if (Has("input_parameters", "scale_value") && Has("input_parameters", "std_value"))
            yield return new Breach("input_parameters", "has scale_value and std_value");

        if (Has("input_parameters", "separate_batch") && Has("input_parameters", "separate_name"))
            yield return new Breach("input_parameters", "has separate_batch and separate_name");

        var types = Listed(yaml.Find("input_parameters", "input_type_rt"));
        foreach (var (space, at) in Listed(yaml.Find("input_parameters", "input_space_and_range")).Select((space, at) => (space, at)))
        {
            if (space == "bt601_video" && types.ElementAtOrDefault(at) != "nv12")
                yield return new Breach("input_space_and_range", $"is bt601_video for {types.ElementAtOrDefault(at) ?? "no input"}, only nv12 has it");
        }

        if (types.Contains("featuremap") && types.Count == 1 && ScalingKeys.Any(key => Has("input_parameters", key)))
            yield return new Breach("input_parameters", "scales a feature map");

        if (yaml.Find("compiler_parameters", "max_time_per_fc") is { } time
            && int.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most is > 0 and < 1000)
        {
            yield return new Breach("max_time_per_fc", $"is {most}, allowed are 0 and 1000 or more");
        }

        bool Has(string group, string key) => yaml.Find(group, key) is { Length: > 0 } value && value is not ("False" or "false");
    }

    private static IEnumerable<Breach> NodeBreaches(RuleScope scope, OnnxModel model)
    {
        var names = model.Graph.Node.Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in scope.HandOff!.QuantConfig.Nodes.Keys.Where(node => !names.Contains(node)))
            yield return new Breach($"node '{node}'", "of quant_config is not in the float model");

        if (scope.HandOff.Has(RuleSubject.BuildConfig) && scope.HandOff.FloatDigest is { } digest
            && !scope.HandOff.BuildConfig.Comments.Any(comment => comment.Contains(digest, StringComparison.Ordinal)))
        {
            yield return new Breach("the float model", "is another file than the one that the configuration was written for");
        }
    }

    private static NodeProto? LastLayer(RuleScope scope, string output)
    {
        var node = scope.Source(output);
        for (var depth = 0; depth < 64 && node is not null && !scope.Weighted.Contains(node); depth++)
            node = node.Input.Select(scope.Source).FirstOrDefault(source => source is not null);

        return node;
    }

    private static bool IsWide(RuleScope scope, NodeProto layer) => scope.Dequantizer(layer.Input[0]) is not { } pair
        || CodesType(scope, pair) is DataType.Int16 or DataType.Uint16
        || (scope.HandOff?.Has(RuleSubject.QuantConfig) == true && scope.HandOff.QuantConfig.TypeOf(layer.Name, layer.OpType) != "int8");

    private static IEnumerable<HorizonInput> InputSettings(RuleScope scope)
    {
        var yaml = scope.HandOff!.BuildConfig;
        var names = Of("input_name");
        for (var i = 0; i < names.Count; i++)
        {
            yield return new HorizonInput(
                names[i], Of("input_type_rt").ElementAtOrDefault(i) ?? "", Of("input_layout_train").ElementAtOrDefault(i) ?? "",
                [.. (Of("input_shape").ElementAtOrDefault(i) ?? "").Split('x', StringSplitOptions.RemoveEmptyEntries)
                    .Select(size => long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0)],
                ScalingKeys.Any(key => Of(key).Count > 0));
        }

        List<string> Of(string key) => Listed(yaml.Find("input_parameters", key));
    }

    private static List<string> Listed(string? value) =>
        [.. (value ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private sealed record HorizonInput(string Name, string TypeRt, string Layout, IReadOnlyList<long> Shape, bool IsScaled);
}
