using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>
/// A chip's compile commands with everything filled in: <c>{model}</c>, <c>{name}</c>, <c>{float}</c>, <c>{cache}</c>,
/// <c>{record}</c>, <c>{amctConfig}</c>, <c>{yaml}</c>, <c>{quantConfig}</c>, <c>{calibration}</c>, <c>{encodings}</c>,
/// <c>{encodingsV1}</c>, the names of the profile's target, the inputs' shapes as each vendor writes them, and the layers that
/// are not INT8.
/// </summary>
public static class CompileCommands
{
    /// <summary>The commands for a model.</summary>
    public static IReadOnlyList<string> Of(HandOffModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var words = WordsOf(model.Names, model.Chip.Target);
        foreach (var (key, value) in Shapes(model.Inputs))
            words[key] = value;

        words["layerPrecisions"] = LayerPrecisions(model);
        words["floatFallback"] = EncodingsHandOff.HasFloats(model) ? "--float_fallback" : "";
        return [.. model.Chip.Compile.Select(command => Filled(command, words))];
    }

    /// <summary>The commands for a model of which nothing but its name is known: what depends on its graph stays in braces.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="model">The file's name, without a folder.</param>
    public static IReadOnlyList<string> Of(ChipProfile chip, string model)
    {
        ArgumentNullException.ThrowIfNull(chip);
        var words = WordsOf(new HandOffNames(model), chip.Target);
        return [.. chip.Compile.Select(command => Filled(command, words))];
    }

    private static Dictionary<string, string> WordsOf(HandOffNames names, IReadOnlyDictionary<string, string> target) => new(target, StringComparer.Ordinal)
    {
        ["model"] = Shell(names.Model),
        ["name"] = Shell(names.Stem),
        ["float"] = Shell(names.Float),
        ["cache"] = Shell(names.Cache),
        ["record"] = Shell(names.Record),
        ["amctConfig"] = Shell(names.AmctConfig),
        ["yaml"] = Shell(names.HorizonYaml),
        ["quantConfig"] = Shell(names.QuantConfig),
        ["calibration"] = Shell(names.Calibration),
        ["encodings"] = Shell(names.Encodings),
        ["encodingsV1"] = Shell(names.EncodingsV1),
    };

    // trtexec: x:1x3x8x8,y:1x4. Only a model that leaves dimensions open takes them. atc: x:1,3,8,8;y:1,4. Qualcomm: an option each.
    private static IEnumerable<(string Key, string Value)> Shapes(IReadOnlyList<HandOffInput> inputs)
    {
        var trt = string.Join(',', inputs.Select(input => $"{input.Name}:{input.Joined("x")}"));
        yield return ("trtShapes", inputs.Any(input => input.IsFree)
            ? $"--minShapes={Shell(trt)} --optShapes={Shell(trt)} --maxShapes={Shell(trt)}"
            : "");
        yield return ("atcShapes", Shell(string.Join(';', inputs.Select(input => $"{input.Name}:{input.Joined(",")}"))));
        yield return ("qnnShapes", string.Join(' ', inputs.Select(input => $"--source_model_input_shape {Shell(input.Name)} {input.Joined(",")}")));
        yield return ("inputShape", Shell(string.Join(';', inputs.Select(input => $"{input.Name} {input.Joined("x")}"))));
    }

    private static string LayerPrecisions(HandOffModel model)
    {
        var layers = model.Layers.Where(layer => !layer.IsQuantized).ToList();
        if (layers.Count == 0)
            return "";

        foreach (var name in layers.Select(layer => layer.Name).Where(name => name.AsSpan().ContainsAny(":,")))
            model.Note($"trtexec cannot be told the precision of '{name}': it takes ':' and ',' for its own.");

        var told = layers.Where(layer => !layer.Name.AsSpan().ContainsAny(":,"))
            .Select(layer => $"{layer.Name}:{(layer.Precision == LayerPrecision.Float ? "fp32" : "fp16")}");
        return "--precisionConstraints=obey --layerPrecisions=" + Shell(string.Join(',', told));
    }

    private static string Filled(string command, Dictionary<string, string> words)
    {
        foreach (var (key, value) in words)
        {
            // A word that is empty takes the blank before it along.
            if (value.Length == 0)
                command = command.Replace($" {{{key}}}", "", StringComparison.Ordinal);

            command = command.Replace($"{{{key}}}", value, StringComparison.Ordinal);
        }

        return command;
    }

    // Names come from the graph: none of them may be a command of its own.
    private static string Shell(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ':' or ',' or '=' or '+')
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
