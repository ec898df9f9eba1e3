using LoraOps.Adapters;
using LoraOps.Problems;

namespace LoraOps.Deltas;

/// <summary>Reads PVeRA, the probabilistic VeRA: pvera_lambda_b, pvera_lambda_d and, once in a file, pvera_A and pvera_B.</summary>
public sealed class PveraMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "pvera";

    /// <inheritdoc/>
    public override string PeftType => "PVERA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["pvera_lambda_b", "pvera_lambda_d"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SharedParts { get; } = ["pvera_A", "pvera_B"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
        ["d_initial", "generator_seed", "projection_prng_key", "pvera_dropout", "r", "sample_at_inference", "save_projection"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (config.Values.Raw("sample_at_inference") is { } sampling && !ConfigValues.IsBlank(sampling))
        {
            findings.Problems.Add(AdapterProblems.VariantRefused(
                config.Values.File,
                "sample_at_inference",
                "the adapter draws a new sample at every call, so no fixed weight can hold it",
                "Set it to false to merge the mean."));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        VeraMethod.Read(this, 2, tensors, config, findings);
}
