using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>Rows of an embedding that trained ones take the place of, bit for bit (trainable tokens).</summary>
public sealed class TokenRowsDelta : Delta
{
    private readonly int[] _tokens;

    internal TokenRowsDelta(int[] tokens, Tensor rows)
    {
        _tokens = tokens;
        Rows = rows;
    }

    /// <inheritdoc/>
    public override string Method => "trainable tokens";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Embedding;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool Replaces => true;

    /// <summary>The rows that are replaced, in the order of <see cref="Rows"/>; each once.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>[tokens, dim]: the new rows.</summary>
    public Tensor Rows { get; }

    /// <inheritdoc/>
    public override string Expected => $"[more than {_tokens.Max()}, {Rows.Shape[1]}]";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == 2 && weight[1] == Rows.Shape[1] && _tokens.Max() < weight[0];

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => sizeof(float) * Rows.Shape.ElementCount;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight) => new PutRows(_tokens, Rows.ToFloats(), checked((int)Rows.Shape[1]));

    private sealed class PutRows(int[] tokens, float[] values, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            for (var index = 0; index < tokens.Length; index++)
            {
                var at = (tokens[index] - first) * columns;
                if (at >= 0 && at < rows.Length)
                    values.AsSpan(index * columns, columns).CopyTo(rows[(int)at..]);
            }
        }
    }
}

/// <summary>Reads standalone trainable tokens.</summary>
public sealed class TokenRowsMethod : AdapterMethod
{
    internal const string Part = "trainable_tokens_delta";
    private const string Indices = "token_indices";
    private const int MostTokens = 1 << 20;

    /// <inheritdoc/>
    public override string Name => "trainable tokens";

    /// <inheritdoc/>
    public override string PeftType => "TRAINABLE_TOKENS";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [Part];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => [Indices];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        Read(tensors, config, Indices, findings);

    internal static IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, string field, Findings findings)
    {
        var rows = tensors.Parts[Part];
        var tokens = TokensOf(tensors.Module, config, field);
        var problem = tokens switch
        {
            null => AdapterProblems.TensorUnused(tensors.File, rows.Name, $"the config's {field} names no tokens of '{tensors.Module}'"),
            _ when tokens.Distinct().Count() != tokens.Length =>
                AdapterProblems.ConfigInvalid(config.Values.File, $"field '{field}' names a token twice"),
            _ when rows.Shape.Rank != 2 || rows.Shape[0] != tokens.Length => AdapterProblems.TensorInvalid(
                tensors.File, rows.Name, $"has shape {rows.Shape}; one row for each of the {tokens.Length} tokens is allowed"),
            _ => null,
        };
        if (problem is null)
            return [new TokenRowsDelta(tokens!, rows)];

        findings.Problems.Add(problem);
        return [];
    }

    // A list belongs to the input embedding; an object gives each layer its own by name.
    private static int[]? TokensOf(ModuleName module, AdapterConfig config, string field)
    {
        var value = config.Values.Raw(field);
        if (value is { ValueKind: JsonValueKind.Object } layers)
            value = layers.EnumerateObject().Where(layer => Names(layer.Name, module)).Select(layer => (JsonElement?)layer.Value).FirstOrDefault();

        if (value is not { } list)
            return null;

        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() is > 0 and <= MostTokens &&
            list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var token) && token >= 0))
            return [.. list.EnumerateArray().Select(item => item.GetInt32())];

        config.Values.Complain(field, list, $"1 to {MostTokens} row numbers, or an object of them by layer,");
        return null;
    }

    private static bool Names(string layer, ModuleName module) =>
        module.Value == layer || module.Value.EndsWith($".{layer}", StringComparison.Ordinal);
}

/// <summary>Reads the trainable tokens of a LoRA adapter.</summary>
public sealed class LoraTokenRowsMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "lora with trainable tokens";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [TokenRowsMethod.Part];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) => tensors.Parts.ContainsKey(TokenRowsMethod.Part);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        TokenRowsMethod.Read(tensors, config, LoraFields.TokenIndices, findings);
}
