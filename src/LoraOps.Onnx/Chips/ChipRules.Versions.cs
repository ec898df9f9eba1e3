using System.Globalization;

namespace LoraOps.Onnx.Chips;

public static partial class ChipRules
{
    private const long OpsetOfScalesPerChannel = 13;

    internal static ChipRule Opset => new(
        "CHIP-01",
        "The opset is one that the compiler reads",
        "Export the model again with an opset in that range.",
        scope => scope.Model.Opset() is var opset && opset >= scope.Chip.Opset.Min && opset <= scope.Chip.Opset.Max
            ? []
            : [new Breach("the model", string.Create(
                CultureInfo.InvariantCulture,
                $"has opset {opset}, {scope.Chip.Sdk} reads {scope.Chip.Opset.Min} to {scope.Chip.Opset.Max}"))]);

    internal static ChipRule IrVersion => new(
        "CPU-07",
        "The IR version is one that the runtime reads",
        "Export the model again with an older ONNX, or use a newer runtime.",
        scope => scope.Model.Proto.IrVersion <= scope.Chip.MaxIrVersion
            ? []
            : [new Breach("the model", string.Create(
                CultureInfo.InvariantCulture,
                $"has IR version {scope.Model.Proto.IrVersion}, the newest that is read is {scope.Chip.MaxIrVersion}"))]);
}
