using System.Globalization;
using LoraOps.Cli.Output;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>What quantization left of an adapter, as part of a command's answer.</summary>
internal static class SurvivalSheet
{
    private static readonly string[] Columns =
        ["module", "node", "delta cosine", "rho", "snr", "worst channel", "changed codes", "scale ratio", "clipped", "verdict"];

    /// <summary>Adds the layers that the adapter changed, and what of them a person should know.</summary>
    public static Sheet AddSurvival(this Sheet sheet, SurvivalReport? survival) => survival is null ? sheet : sheet
        .Add("effect from", survival.Origin.Length > 0 ? survival.Origin : Cell.None)
        .AddGrid("survival", Columns, survival.Modules.Select(Row))
        .AddNotes("doubtful", survival.Modules.Where(module => module.Verdict == SurvivalVerdict.Doubtful).Select(Doubt));

    private static Cell[] Row(ModuleSurvival module) =>
    [
        module.Module,
        module.Node,
        module.DeltaCosine,
        module.Rho,
        Cell.Decibels(module.SnrDelta),
        Cell.Decibels(module.SmallestSnrDelta),
        Cell.Share(module.ChangedCodes),
        module.ScaleRatio,
        Cell.Share(module.ClippedShare),
        new Cell(Word(module.Verdict), Word(module.Verdict)) { Tone = module.Verdict == SurvivalVerdict.Kept ? Tone.Good : Tone.Bad },
    ];

    private static string Doubt(ModuleSurvival module) => string.Create(
        CultureInfo.InvariantCulture,
        $"{module.Module}: the adapter's change is about as large as the rounding (cosine {module.DeltaCosine:G3}); the effect decides");

    private static string Word(SurvivalVerdict verdict) => verdict.ToString().ToLowerInvariant();
}
