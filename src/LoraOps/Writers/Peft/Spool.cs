using System.Buffers;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Writers.Peft;

/// <summary>Tensors of a safetensors file whose number and sizes are not known yet: their bytes wait in a file of their own.</summary>
/// <param name="path">The waiting file, which must not exist and is removed at the end.</param>
internal sealed class Spool(string path) : IDisposable
{
    private const int BlockBytes = 1 << 20;
    private readonly List<(SafetensorsEntry Entry, long Offset)> _entries = [];
    private readonly OutputFile _file = new(path, 0);

    /// <summary>The bytes that wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a tensor's bytes.</summary>
    /// <param name="entry">What the header will say of it.</param>
    /// <param name="tensor">Its bytes.</param>
    public void Add(SafetensorsEntry entry, Tensor tensor)
    {
        _entries.Add((entry, Bytes));
        var buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        for (var at = 0L; at < tensor.ByteLength;)
        {
            var block = buffer.AsSpan(0, (int)Math.Min(BlockBytes, tensor.ByteLength - at));
            tensor.ReadBytes(at, block);
            _file.Write(block);
            at += block.Length;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        Bytes += tensor.ByteLength;
    }

    /// <summary>Writes the file, its tensors in the order of the reference writer, and removes the waiting one.</summary>
    /// <exception cref="Problems.LoraOpsException">It cannot be written.</exception>
    public void WriteTo(string destination)
    {
        _file.Finish();
        var ordered = SafetensorsWriter.Order(_entries, pair => pair.Entry).ToList();
        using (var output = SafetensorsOutput.Create(
            destination, [.. ordered.Select(pair => pair.Entry)], new Dictionary<string, string> { ["format"] = "pt" }))
        using (var waiting = File.OpenHandle(path))
        {
            var buffer = new byte[BlockBytes];
            foreach (var (entry, offset) in ordered)
            {
                for (var at = 0L; at < entry.ByteLength;)
                {
                    var block = buffer.AsSpan(0, (int)Math.Min(BlockBytes, entry.ByteLength - at));
                    RandomAccess.Read(waiting, block, offset + at);
                    output.Write(block);
                    at += block.Length;
                }
            }

            output.Finish();
        }

        File.Delete(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        File.Delete(path);
    }
}
