using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// Reads QA-LoRA (arXiv:2309.14717): lora_A sees the sum of each group of inputs, scaled by what PEFT's pooling leaves, so it
/// is plain LoRA whose columns repeat: A[:, g·G + j] = A[:, g] · (in / G) / G.
/// </summary>
public sealed class QaLoraMethod : AdapterMethod
{
    private const string Field = "use_qalora";
    private const string GroupSize = "qalora_group_size";

    /// <inheritdoc/>
    public override string Name => "qa-lora";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [LoraMethod.FactorA, LoraMethod.FactorB];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (config.Values.Flag(Field) && config.UsesDora)
            findings.Problems.Add(AdapterProblems.ConfigInvalid(config.Values.File, $"fields 'use_dora' and '{Field}' exclude each other"));
    }

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) => config.Values.Flag(Field);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        if (!LoraMethod.Pair(tensors, (LoraMethod.FactorA, LoraMethod.FactorB), findings, out var a, out var b))
            return [];

        var group = config.Values.Count(GroupSize, 16);
        if (a.Shape.Rank != 2 || a.Shape.ElementCount > int.MaxValue / 4 / group)
        {
            findings.Problems.Add(AdapterProblems.TensorInvalid(
                tensors.File, a.Name, $"has shape {a.Shape}; [r, in / {group}] of at most {int.MaxValue / 4 / group} elements is allowed"));
            return [];
        }

        return LoraMethod.Combine(tensors, config, (new SpreadColumns(a, group), b), findings) is { } delta ? [delta] : [];
    }

    private sealed class SpreadColumns(Tensor stored, int group)
        : ComputedTensor(stored.Name, new TensorShape(stored.Shape[0], stored.Shape[1] * group))
    {
        protected override void Compute(long first, Span<float> values)
        {
            var source = new float[((first + values.Length - 1) / group) - (first / group) + 1];
            stored.ReadFloats(first / group, source);
            var factor = (double)stored.Shape[1] / group;
            for (var index = 0; index < values.Length; index++)
                values[index] = (float)(source[((first + index) / group) - (first / group)] * factor);
        }
    }
}
