using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>What came of writing hand-off files.</summary>
/// <param name="Commands">The commands of the chip's compiler, to be run where the files lie.</param>
/// <param name="Findings">What the chip's rules say about the files; none of it is an error.</param>
public sealed record HandOffResult(IReadOnlyList<string> Commands, IReadOnlyList<Finding> Findings)
{
    /// <summary>The rules about files that were checked now.</summary>
    public IReadOnlyList<string> Checked { get; init; } = [];
}
