namespace LoraOps.Cli.Reports.Checks;

/// <summary>What a check's id stands for.</summary>
/// <param name="Id">The stable id.</param>
/// <param name="Demand">What must hold, or what is measured: without a full stop.</param>
/// <param name="Advice">What to do where it does not hold.</param>
/// <param name="Breach">How serious a breach is.</param>
internal sealed record CheckRule(string Id, string Demand, string Advice, Outcome Breach);
