using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Writers.Safetensors;

/// <summary>
/// A safetensors file whose tensors are told one after another, without their number and sizes being known before: room is kept
/// for the header, which is written last and filled up with spaces, as the format allows. The tensors lie in the order in which
/// they came, so those of the widest type must come first.
/// </summary>
public sealed class GrowingSafetensors : IDisposable
{
    private const int LengthBytes = 8;
    private const int BlockBytes = 1 << 20;
    private readonly string _path;
    private readonly int _room;
    private readonly List<SafetensorsEntry> _entries = [];
    private readonly OutputFile _file;

    /// <summary>Begins a file that must not exist; write to a <see cref="StagedOutput"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="headerBytes">About how long the header will be; if it is longer, the file is copied once at the end.</param>
    /// <exception cref="LoraOpsException">It exists or cannot be written.</exception>
    public GrowingSafetensors(string path, int headerBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(headerBytes);
        (_path, _room) = (path, LengthBytes + ((headerBytes + 7) / 8 * 8));
        _file = new OutputFile(path, 0);
    }

    /// <summary>The bytes of all tensors so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Begins a tensor; exactly its bytes must follow.</summary>
    public void Begin(SafetensorsEntry entry) => _entries.Add(entry);

    /// <summary>Appends bytes of the tensor that was begun.</summary>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file.WriteAt(_room + Bytes, bytes);
        Bytes += bytes.Length;
    }

    /// <summary>Adds a tensor as stored.</summary>
    /// <param name="entry">What the header will say of it.</param>
    /// <param name="tensor">Its bytes.</param>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public void Add(SafetensorsEntry entry, Tensor tensor)
    {
        Begin(entry);
        TensorBytes.Copy(tensor, Write);
    }

    /// <summary>Writes the header and closes the file.</summary>
    /// <exception cref="InvalidOperationException">The bytes are not those of the tensors.</exception>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public void Finish()
    {
        if (_entries.Sum(entry => entry.ByteLength) is var wanted && wanted != Bytes)
            throw new InvalidOperationException($"{Bytes} bytes were written, the tensors have {wanted}.");

        var header = SafetensorsHeader.Encode(_entries, new Dictionary<string, string> { ["format"] = "pt" });
        if (header.Length <= _room)
            _file.WriteAt(0, SafetensorsHeader.Widened(header, _room));

        _file.Finish();
        if (header.Length > _room)
            Move(header);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Move(byte[] header)
    {
        var waiting = _path + ".waiting";
        File.Move(_path, waiting);
        using (var moved = new OutputFile(_path, header.Length + Bytes))
        using (var source = File.OpenHandle(waiting))
        {
            moved.Write(header);
            var buffer = new byte[BlockBytes];
            for (var at = 0L; at < Bytes;)
            {
                var read = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(BlockBytes, Bytes - at)), _room + at);
                moved.Write(buffer.AsSpan(0, read));
                at += read;
            }

            moved.Finish();
        }

        File.Delete(waiting);
    }
}
