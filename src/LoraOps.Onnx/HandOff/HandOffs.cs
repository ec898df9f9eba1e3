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

    /// <summary>Writes the files into a folder and says how the vendor's compiler is called there.</summary>
    /// <param name="request">What to hand off.</param>
    /// <param name="folder">A folder that no user sees yet.</param>
    /// <returns>The commands, to be run where the files lie.</returns>
    /// <exception cref="LoraOps.Problems.LoraOpsException">A format cannot say what the quantized model does.</exception>
    public static IReadOnlyList<string> Write(HandOffRequest request, string folder)
    {
        var model = new HandOffModel(request);
        var writers = For(model.Chip);
        var commands = CompileCommands.Of(model);
        if (writers.Count == 0)
            return commands;

        model.WriteFloat(folder);
        foreach (var writer in writers)
            writer.Write(model, folder);

        CompilePage.Write(model, commands, Path.Combine(folder, model.Names.Page));
        return commands;
    }
}
