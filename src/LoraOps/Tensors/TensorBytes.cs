namespace LoraOps.Tensors;

/// <summary>Comparisons of stored tensors.</summary>
internal static class TensorBytes
{
    private const int BlockBytes = 1 << 16;

    /// <summary>True if type, shape and every byte agree.</summary>
    public static bool Same(Tensor a, Tensor b)
    {
        if (a.Type != b.Type || !a.Shape.Equals(b.Shape))
            return false;

        var block = Math.Min(BlockBytes, a.ByteLength);
        var (left, right) = (new byte[block], new byte[block]);
        for (var at = 0L; at < a.ByteLength; at += BlockBytes)
        {
            var length = (int)Math.Min(BlockBytes, a.ByteLength - at);
            a.ReadBytes(at, left.AsSpan(0, length));
            b.ReadBytes(at, right.AsSpan(0, length));
            if (!left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length)))
                return false;
        }

        return true;
    }
}
