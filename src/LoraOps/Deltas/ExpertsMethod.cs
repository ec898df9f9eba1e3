using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>Reads LoRA on raw parameters, which the config names in target_parameters.</summary>
public sealed class ExpertsMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "lora on parameters";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [LoraMethod.FactorA, LoraMethod.FactorB];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (LoraFields.Has(config, LoraFields.TargetParameters) && config.UsesDora)
            findings.Problems.Add(AdapterProblems.ConfigInvalid(
                config.Values.File, $"fields 'use_dora' and '{LoraFields.TargetParameters}' exclude each other"));
    }

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) => Parameters(tensors.Module, config).Count > 0;

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        if (!LoraMethod.Pair(tensors, (LoraMethod.FactorA, LoraMethod.FactorB), findings, out var a, out var b))
            return [];

        var problem = (a.Shape.Rank, b.Shape.Rank) != (2, 2)
            ? AdapterProblems.TensorInvalid(
                tensors.File, b.Name, $"has shape {b.Shape}, its partner {a.Shape}; [out, r·experts] and [experts·r, in] are allowed")
            : a.Shape[0] != b.Shape[1] ? AdapterProblems.RankMismatch(tensors.File, (a.Name, a.Shape[0]), (b.Name, b.Shape[1])) : null;
        if (problem is null)
            return [new ExpertsDelta(tensors, config, (a, b), Parameters(tensors.Module, config))];

        findings.Problems.Add(problem);
        return [];
    }

    // PEFT compares MODULE.PARAMETER with each entry as a whole or as the end after a dot. It refuses a layer that both fields
    // name, so a bare parameter name means no layer of target_modules.
    private static IReadOnlyList<string> Parameters(ModuleName module, AdapterConfig config)
    {
        if (!LoraFields.Has(config, LoraFields.TargetParameters))
            return [];

        var isModule = config.TargetModules.Any(target => EndsWith(module, target));
        return [.. config.Values.Texts(LoraFields.TargetParameters)
            .Select(entry => (Owner: entry[..Math.Max(0, entry.LastIndexOf('.'))], Parameter: entry[(entry.LastIndexOf('.') + 1)..]))
            .Where(entry => entry.Owner.Length == 0 ? !isModule : EndsWith(module, entry.Owner))
            .Select(entry => entry.Parameter)
            .Where(parameter => parameter.Length > 0)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
    }

    private static bool EndsWith(ModuleName module, string end) =>
        module.Value == end || module.Value.EndsWith($".{end}", StringComparison.Ordinal);
}
