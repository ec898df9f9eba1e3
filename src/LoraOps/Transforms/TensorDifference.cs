using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>How a parameter differs between two checkpoints.</summary>
internal enum TensorDifference
{
    /// <summary>Every value is the same.</summary>
    None,

    /// <summary>The base's values rounded to the other type are the same.</summary>
    Rounding,

    /// <summary>A value differs.</summary>
    Values,
}

/// <summary>Compares parameters of one shape, a block at a time.</summary>
internal static class TensorDifferences
{
    private const int BlockLength = 1 << 16;

    /// <summary>How two tensors of one shape differ.</summary>
    public static TensorDifference Of(Tensor start, Tensor tuned)
    {
        if (!start.Type.IsNumeric() || !tuned.Type.IsNumeric() || !start.Type.IsFloat() || !tuned.Type.IsFloat())
            return TensorBytes.Same(start, tuned) ? TensorDifference.None : TensorDifference.Values;

        if (start.IsExact && tuned.IsExact && TensorBytes.Same(start, tuned))
            return TensorDifference.None;

        var length = (int)Math.Min(BlockLength, tuned.Shape.ElementCount);
        var (first, second) = (new float[length], new float[length]);
        var worst = TensorDifference.None;
        for (var at = 0L; at < tuned.Shape.ElementCount && worst != TensorDifference.Values; at += length)
        {
            var count = (int)Math.Min(length, tuned.Shape.ElementCount - at);
            var before = first.AsSpan(0, count);
            var after = second.AsSpan(0, count);
            start.ReadFloats(at, before);
            tuned.ReadFloats(at, after);
            worst = (TensorDifference)Math.Max((int)worst, (int)Of(before, after, tuned.Type));
        }

        return worst;
    }

    private static TensorDifference Of(Span<float> before, ReadOnlySpan<float> after, ElementType type)
    {
        if (before.SequenceEqual(after))
            return TensorDifference.None;

        Rounding.Through(type, before);
        return before.SequenceEqual(after) ? TensorDifference.Rounding : TensorDifference.Values;
    }
}
