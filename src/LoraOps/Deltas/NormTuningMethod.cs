using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>Reads LN tuning (arXiv:2312.11420): the trained copy of a norm takes its place, weight and bias.</summary>
public sealed class NormTuningMethod : AdapterMethod
{
    private const string Part = "ln_tuning_layers";

    /// <inheritdoc/>
    public override string Name => "ln tuning";

    /// <inheritdoc/>
    public override string PeftType => "LN_TUNING";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [Part, $"{Part}.bias"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => [];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<Replacement> ReadReplacements(ModuleTensors tensors) =>
        [.. tensors.Parts.Select(part => new Replacement(tensors.Module, part.Key == Part ? "weight" : "bias", part.Value, IsBias: false))];
}
