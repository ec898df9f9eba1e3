using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.HandOff;

/// <summary>The hand-off files that LoraOps writes.</summary>
public static class HandOffs
{
    /// <summary>All kinds of them, by name.</summary>
    public static IReadOnlyList<HandOffWriter> All { get; } =
        [new AmctHandOff(), new EncodingsHandOff(), new HorizonHandOff(), new TensorRtHandOff()];

    /// <summary>Those that a chip's profile asks for.</summary>
    public static IReadOnlyList<HandOffWriter> For(ChipProfile chip) => [.. All.Where(writer => chip.HandOff.Contains(writer.Name))];

    /// <summary>The tensors that must be calibrated for them, beyond those of the quantizer.</summary>
    /// <param name="prepared">The float model that will be quantized.</param>
    /// <param name="chip">The chip.</param>
    public static IReadOnlyList<string> TensorsWanted(OnnxModel prepared, ChipProfile chip) =>
        [.. For(chip).SelectMany(writer => writer.TensorsWanted(prepared, chip)).Distinct(StringComparer.Ordinal)];

    /// <summary>The files and folders that <see cref="Write"/> makes; none for a chip that takes the model as it is.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="model">What the quantized model's file is called.</param>
    public static IReadOnlyList<HandOffFile> Files(ChipProfile chip, string model)
    {
        var (names, writers) = (new HandOffNames(model), For(chip));
        return writers.Count == 0
            ? []
            :
            [
                new HandOffFile(names.Float, "the float model that the others belong to"),
                .. writers.SelectMany(writer => writer.Files(names)),
                new HandOffFile(names.Page, "for people: the compile commands, these files, layers that are not INT8"),
            ];
    }

    /// <summary>Writes the files into a folder, reads them back by the chip's rules, and says how the vendor's compiler is called there.</summary>
    /// <param name="request">What to hand off.</param>
    /// <param name="folder">A folder that no user sees yet.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">A format cannot say what the quantized model does, or a rule is broken.</exception>
    public static HandOffResult Write(HandOffRequest request, string folder)
    {
        var model = new HandOffModel(request);
        var writers = For(model.Chip);
        var commands = CompileCommands.Of(model);
        if (writers.Count == 0)
            return new HandOffResult(commands, []);

        model.WriteFloat(folder);
        foreach (var writer in writers)
            writer.Write(model, folder);

        CompilePage.Write(model, commands, Path.Combine(folder, model.Names.Page));
        return Checked(new HandOffResult(commands, []), model, folder);
    }

    // What was written is read again: the rules about files, and no others.
    private static HandOffResult Checked(HandOffResult result, HandOffModel model, string folder)
    {
        var ids = ChipRules.All.Where(rule => rule.Needs is not (RuleSubject.Model or RuleSubject.OptimizedModel)).Select(rule => rule.Id).ToHashSet();
        var rules = model.Chip.Rules.Where(rule => ids.Contains(rule.Key)).ToDictionary(StringComparer.Ordinal);
        var chip = model.Chip with { Rules = rules };
        var quantized = model.Request.Quantization.Model;
        var evidence = new RuleEvidence
        {
            Float = model.Request.Prepared,
            Ranges = model.Request.Ranges,
            HandOffFolder = folder,
            HandOffModel = model.Names.Model,
        };
        return result with
        {
            Findings = ChipRules.Enforce(quantized, chip, evidence),
            Checked = [.. rules.Keys.Except(ChipRules.NotChecked(quantized, chip, evidence).Select(rule => rule.RuleId))],
        };
    }
}
