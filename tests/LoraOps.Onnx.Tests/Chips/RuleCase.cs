using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.Tests.Chips;

/// <summary>What keeps a rule, and what breaks it and no other rule of the chip.</summary>
internal sealed record RuleCase(Func<ChipProfile, Specimen> Broken)
{
    public Func<ChipProfile, Specimen> Sound { get; init; } = chip => new Specimen(chip);
}
