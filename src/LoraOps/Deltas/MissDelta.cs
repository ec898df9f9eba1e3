using System.Numerics.Tensors;
using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW[o, i] = M[i mod r, o mod c] with M [r, c] repeated along the input, and along the output in the mini form (MiSS, first
/// called Bone, arXiv:2409.15371). The bat form has a square block for each r outputs: ΔW = (W + 1) · D on every r × r block,
/// with 1 for the identity.
/// </summary>
public sealed class MissDelta : Delta
{
    private readonly Tensor _block;
    private readonly bool _isMini;

    internal MissDelta(string method, Tensor block, bool isMini)
    {
        (Method, _block, _isMini) = (method, block, isMini);
    }

    /// <inheritdoc/>
    public override string Method { get; }

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => (int)_block.Shape[IsBat ? 1 : 0];

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => IsBat;

    /// <inheritdoc/>
    public override string Expected => (IsBat, _isMini) switch
    {
        (true, _) => $"[{_block.Shape[0] * Rank}, a multiple of {Rank}]",
        (_, true) => $"[a multiple of {_block.Shape[1]}, in]",
        _ => $"[{_block.Shape[1]}, in]",
    };

    private bool IsBat => _block.Shape.Rank == 3;

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == 2 && (IsBat, _isMini) switch
    {
        (true, _) => weight[0] == _block.Shape[0] * Rank && weight[1] % Rank == 0,
        (_, true) => weight[0] % _block.Shape[1] == 0,
        _ => weight[0] == _block.Shape[1],
    };

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => 2 * sizeof(float) * _block.Shape.ElementCount;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (values, columns) = (_block.ToFloats(), (int)weight.Shape[1]);
        if (IsBat)
            return new SquareBlocks(values, Rank, columns);

        var byOutput = new float[values.Length];
        Transposition.Transpose(values, Rank, values.Length / Rank, byOutput);
        return new RepeatedBlock(byOutput, Rank, columns);
    }

    private sealed class RepeatedBlock(float[] byOutput, int rank, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var outputs = byOutput.Length / rank;
            for (var at = 0; at < rows.Length; at += columns, first++)
            {
                var values = byOutput.AsSpan((int)(first % outputs) * rank, rank);
                for (var column = 0; column < columns; column += rank)
                {
                    var target = rows.Slice(at + column, Math.Min(rank, columns - column));
                    TensorPrimitives.MultiplyAdd(values[..target.Length], factor, target, target);
                }
            }
        }
    }

    private sealed class SquareBlocks(float[] blocks, int rank, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            for (int at = 0, count; at < rows.Length; at += count * columns, first += count)
            {
                // As far as one block goes.
                count = (int)Math.Min((rows.Length - at) / columns, rank - (first % rank));
                var block = blocks.AsSpan((int)(first / rank) * rank * rank, rank * rank);
                var sum = rows.Slice(at, count * columns);
                var packed = new PackedBasis(block, rank);
                BlockProducts.Add(sum, weight.Slice(at, sum.Length), factor, [packed], columns);
                packed.Release();
                for (var part = 0; part < sum.Length; part += rank)
                {
                    var target = sum.Slice(part, rank);
                    TensorPrimitives.FusedMultiplyAdd(block.Slice((int)((first + (part / columns)) % rank) * rank, rank), factor, target, target);
                }
            }
        }
    }
}

/// <summary>Reads MiSS: one block for each module.</summary>
public class MissMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "miss";

    /// <inheritdoc/>
    public override string PeftType => "MISS";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["miss_block"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["mini_r", "miss_dropout", "r"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        if (config.Values.Raw("init_weights") is { } value && FormOf(value) is null)
            config.Values.Complain("init_weights", value, "true, false, \"bat\" or \"mini\"");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var block = tensors.Parts[Parts[0]];
        var form = config.Values.Raw("init_weights") is { } value ? FormOf(value) : "";
        var (fits, allowed) = form switch
        {
            "bat" => (block.Shape.Rank == 3 && block.Shape[1] == block.Shape[2], "[out / r, r, r]"),
            "mini" => (block.Shape.Rank == 2 && block.Shape[1] == config.Values.Count("mini_r", 1), "[r, mini_r]"),
            _ => (block.Shape.Rank == 2, "[r, out]"),
        };
        if (fits)
            return [new MissDelta(Name, block, form == "mini")];

        findings.Problems.Add(AdapterProblems.TensorInvalid(tensors.File, block.Name, $"has shape {block.Shape}; {allowed} is allowed"));
        return [];
    }

    // The initialisation's name chooses the formula as well.
    private static string? FormOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "",
        JsonValueKind.String when value.GetString() is "bat" or "mini" => value.GetString(),
        _ => null,
    };
}

/// <summary>Reads Bone, the name of MiSS in PEFT 0.14 to 0.18.</summary>
public sealed class BoneMethod : MissMethod
{
    /// <inheritdoc/>
    public override string Name => "bone";

    /// <inheritdoc/>
    public override string PeftType => "BONE";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["bone_block"];
}
