using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LoraOps.Tensors;
using Microsoft.Win32.SafeHandles;

namespace LoraOps.Readers.Safetensors;

/// <summary>A tensor of a mapped file; it ends with the file that it came from.</summary>
/// <param name="entry">What the header says; checked against the length of the file.</param>
/// <param name="view">The map of the whole file; null if the file holds no tensor bytes.</param>
/// <param name="start">Where in the file the tensor begins.</param>
internal sealed class MappedTensor(HeaderEntry entry, SafeMemoryMappedViewHandle? view, long start)
    : Tensor(entry.Name, entry.Type, entry.Shape)
{
    /// <summary>Where in the file the tensor begins.</summary>
    public long Start => start;

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        if (view is null || destination.IsEmpty)
            return;

        ObjectDisposedException.ThrowIf(view.IsClosed, this);

        // SafeBuffer copies element by element, so the elements are made large.
        var blocks = MemoryMarshal.Cast<byte, Block>(destination);
        var at = (ulong)(start + offset);
        view.ReadSpan(at, blocks);
        var copied = blocks.Length * Unsafe.SizeOf<Block>();
        view.ReadSpan(at + (ulong)copied, destination[copied..]);
    }

    [InlineArray(4096)]
    private struct Block
    {
        private byte _first;
    }
}
