using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// Reads BD-LoRA (arXiv:2510.23346): one factor is block-diagonal and stored as its blocks below one another; spread out, it is
/// plain LoRA. Which factor it is, the config tells by parts of the layers' names.
/// </summary>
public sealed class BlockLoraMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "bd-lora";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [LoraMethod.FactorA, LoraMethod.FactorB];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (config.Values.Raw(LoraFields.BlockDiagonal) is not { } value || ConfigValues.IsBlank(value))
            return;

        if (value.ValueKind != JsonValueKind.Object || Blocks(value) is null)
            config.Values.Complain(LoraFields.BlockDiagonal, value, "an object with nblocks from 1");
        else if (config.UsesDora)
            findings.Problems.Add(AdapterProblems.ConfigInvalid(config.Values.File, $"fields 'use_dora' and '{LoraFields.BlockDiagonal}' exclude each other"));
    }

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) => LoraFields.Has(config, LoraFields.BlockDiagonal);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var value = config.Values.Raw(LoraFields.BlockDiagonal)!.Value;
        if (value.ValueKind != JsonValueKind.Object || Blocks(value) is not { } blocks ||
            !LoraMethod.Pair(tensors, (LoraMethod.FactorA, LoraMethod.FactorB), findings, out var a, out var b))
            return [];

        var (isA, isB) = (Names(value, "target_modules_bd_a", tensors.Module), Names(value, "target_modules_bd_b", tensors.Module));
        if (isA == isB)
        {
            // Told apart from a plain layer only by its name, so a name that says nothing or both is not guessed at.
            if (isA || IsStrict(value))
                findings.Problems.Add(AdapterProblems.ConfigInvalid(
                    config.Values.File,
                    $"field '{LoraFields.BlockDiagonal}' names '{tensors.Module}' " +
                    (isA ? "for both factors" : "for neither factor although match_strict is set")));
            else if (LoraMethod.Combine(tensors, config, (a, b), findings) is { } plain)
                return [plain];

            return [];
        }

        var stored = isA ? a : b;
        if (Spread(stored, blocks) is not { } dense)
        {
            findings.Problems.Add(AdapterProblems.TensorInvalid(
                tensors.File, stored.Name, $"has shape {stored.Shape}, which is no column of {blocks} blocks"));
            return [];
        }

        return LoraMethod.Combine(tensors, config, isA ? (dense, b) : (a, dense), findings) is { } delta ? [delta] : [];
    }

    // Block k holds the rows and the columns k of equal parts.
    private static BlockDiagonal? Spread(Tensor stored, int blocks)
    {
        if (stored.Shape.Rank != 2 || stored.Shape[0] % blocks != 0 || stored.Shape.ElementCount > int.MaxValue / 4 / blocks)
            return null;

        return new BlockDiagonal(stored, blocks);
    }

    private static int? Blocks(JsonElement value) =>
        value.TryGetProperty("nblocks", out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var blocks) && blocks >= 1
            ? blocks
            : null;

    private static bool IsStrict(JsonElement value) => !value.TryGetProperty("match_strict", out var strict) || strict.ValueKind != JsonValueKind.False;

    private static bool Names(JsonElement value, string field, ModuleName module) =>
        value.TryGetProperty(field, out var list) && list.ValueKind == JsonValueKind.Array && list.EnumerateArray().Any(item =>
            item.ValueKind == JsonValueKind.String && module.Value.Contains(item.GetString()!, StringComparison.Ordinal));

    private sealed class BlockDiagonal(Tensor stored, int blocks)
        : ComputedTensor(stored.Name, new TensorShape(stored.Shape[0], stored.Shape[1] * blocks))
    {
        protected override void Compute(long first, Span<float> values)
        {
            var (width, tall) = (stored.Shape[1], stored.Shape[0] / blocks);
            values.Clear();
            for (var at = 0; at < values.Length;)
            {
                // One row after another, as much of each as was asked for.
                var (row, column) = Math.DivRem(first + at, width * blocks);
                var count = (int)Math.Min(values.Length - at, (width * blocks) - column);
                var begin = Math.Clamp((row / tall * width) - column, 0, count);
                var end = Math.Clamp((row / tall * width) + width - column, 0, count);
                if (end > begin)
                    stored.ReadFloats((row * width) + column + begin - (row / tall * width), values.Slice(at + (int)begin, (int)(end - begin)));

                at += count;
            }
        }
    }
}
