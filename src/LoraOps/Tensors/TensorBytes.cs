using System.Buffers;

namespace LoraOps.Tensors;

/// <summary>Takes some bytes of a tensor; they are another's when it returns.</summary>
internal delegate void BytesTaker(ReadOnlySpan<byte> bytes);

/// <summary>Stored tensors as bytes.</summary>
internal static class TensorBytes
{
    private const int BlockBytes = 1 << 16;
    private const int CopiedBytes = 1 << 20;

    /// <summary>Gives all bytes of a tensor, block by block.</summary>
    public static void Copy(Tensor tensor, BytesTaker take)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopiedBytes);
        try
        {
            for (var at = 0L; at < tensor.ByteLength;)
            {
                var block = buffer.AsSpan(0, (int)Math.Min(CopiedBytes, tensor.ByteLength - at));
                tensor.ReadBytes(at, block);
                take(block);
                at += block.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

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
