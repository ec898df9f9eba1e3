using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Merging;

/// <summary>A tensor that is merged when its first byte is read and forgotten when its last one was: one is in memory at a time.</summary>
internal sealed class MergedTensor(TensorChange change, MergeArithmetic arithmetic, string basePath)
    : Tensor(change.Name, change.Type, change.Shape)
{
    private const int BlockLength = 1 << 14;
    private byte[]? _bytes;

    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        _bytes ??= Merge();
        _bytes.AsSpan(checked((int)offset), destination.Length).CopyTo(destination);
        if (offset + destination.Length == ByteLength)
            _bytes = null;
    }

    private byte[] Merge()
    {
        var sum = change.Start.ToFloats();
        if (change.IsTransposed)
            sum = Transposed(sum, fromStored: true);

        foreach (var addition in change.Additions)
            Add(sum, addition);

        if (change.IsTransposed)
            sum = Transposed(sum, fromStored: false);

        var bytes = new byte[ByteLength];
        ElementCodec.Encode(Type, sum, bytes);
        CheckFinite(bytes);
        return bytes;
    }

    private void Add(float[] sum, Addition addition)
    {
        var (factor, delta, target) = ((float)addition.Source.Weight, addition.Module.Delta, Target(sum, addition));
        if (arithmetic == MergeArithmetic.Peft && delta is { Layer: LayerKind.Embedding, NeedsWeight: false, Replaces: false })
        {
            // PEFT rounds the delta of an embedding before it adds it.
            var rounded = new float[sum.Length];
            delta.AddTo(rounded, target, factor);
            Round(rounded);
            TensorPrimitives.Add(sum, rounded, sum);
        }
        else
        {
            delta.AddTo(sum, target, factor);
        }

        if (arithmetic == MergeArithmetic.Peft)
            Round(sum);
    }

    private TargetWeight Target(float[] sum, Addition addition)
    {
        var shape = change.IsTransposed ? new TensorShape(Shape[1], Shape[0]) : Shape;
        return TargetWeight.Of(shape, sum) with
        {
            Type = Type,
            Sibling = addition.Sibling,
            AdaptedShapes = addition.AdaptedShapes ?? [shape],
        };
    }

    private void Round(Span<float> values)
    {
        Span<byte> bytes = new byte[BlockLength * sizeof(double)];
        while (values.Length > 0)
        {
            var block = values[..Math.Min(BlockLength, values.Length)];
            var stored = bytes[..(block.Length * Type.Bits() / 8)];
            ElementCodec.Encode(Type, block, stored);
            ElementCodec.Decode(Type, stored, block);
            values = values[block.Length..];
        }
    }

    private float[] Transposed(float[] values, bool fromStored)
    {
        var (rows, columns) = ((int)Shape[0], (int)Shape[1]);
        var result = new float[values.Length];
        Transposition.Transpose(values, fromStored ? rows : columns, fromStored ? columns : rows, result);
        return result;
    }

    // Looked for as stored: what is finite as float32 may overflow fp16.
    private void CheckFinite(ReadOnlySpan<byte> bytes)
    {
        var values = new float[BlockLength];
        var size = Type.Bits() / 8;
        while (bytes.Length > 0)
        {
            var block = values.AsSpan(0, Math.Min(BlockLength, bytes.Length / size));
            ElementCodec.Decode(Type, bytes[..(block.Length * size)], block);
            if (!float.IsFinite(TensorPrimitives.MaxMagnitude<float>(block)))
                throw new LoraOpsException(MergeProblems.NotFinite(basePath, Name, Type.Name()));

            bytes = bytes[(block.Length * size)..];
        }
    }
}
