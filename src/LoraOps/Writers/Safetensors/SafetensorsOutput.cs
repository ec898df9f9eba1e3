using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Writers.Safetensors;

/// <summary>
/// A safetensors file in the making: its header is written first, then the bytes of its tensors in the order of the file.
/// It never holds more than a block. The file is incomplete until <see cref="Finish"/>, so write to a
/// <see cref="StagedOutput"/>.
/// </summary>
public sealed class SafetensorsOutput : IDisposable
{
    private readonly OutputFile _file;
    private readonly int _headerLength;
    private readonly long _dataLength;
    private long _remaining;

    private SafetensorsOutput(string path, ReadOnlySpan<byte> header, long dataLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dataLength);
        _file = new OutputFile(path, checked(header.Length + dataLength));
        _file.Write(header);
        _headerLength = header.Length;
        (_dataLength, _remaining) = (dataLength, dataLength);
    }

    /// <summary>The bytes of tensors that are still to be written.</summary>
    public long Remaining => Interlocked.Read(ref _remaining);

    /// <summary>Begins a file whose header and data have the entries in the given order.</summary>
    /// <exception cref="LoraOpsException">The file exists or cannot be written.</exception>
    /// <exception cref="ArgumentException">Two entries have one name.</exception>
    public static SafetensorsOutput Create(
        string path, IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null) =>
        new(path, SafetensorsHeader.Encode(entries, metadata), entries.Sum(entry => entry.ByteLength));

    /// <summary>Begins a file with the very header of another one, so that only its data may differ.</summary>
    /// <param name="path">The file, which must not exist.</param>
    /// <param name="header">The bytes of the other file before its data: length, JSON and padding.</param>
    /// <param name="dataLength">The bytes of all tensors.</param>
    /// <exception cref="LoraOpsException">The file exists or cannot be written.</exception>
    public static SafetensorsOutput CreateLike(string path, ReadOnlySpan<byte> header, long dataLength) =>
        new(path, header, dataLength);

    /// <summary>Appends bytes of tensors.</summary>
    /// <exception cref="InvalidOperationException">They are more than the header announced.</exception>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Remaining)
            throw new InvalidOperationException($"{bytes.Length} bytes do not fit the {Remaining} that remain.");

        _file.Write(bytes);
        Interlocked.Add(ref _remaining, -bytes.Length);
    }

    /// <summary>
    /// Writes bytes of tensors at a place; several threads may do so at once. Each byte must be written once, and none
    /// appended.
    /// </summary>
    /// <param name="offset">From the beginning of the data.</param>
    /// <param name="bytes">What to write.</param>
    /// <exception cref="ArgumentOutOfRangeException">They leave the data that the header announced.</exception>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, _dataLength - bytes.Length);
        _file.WriteAt(_headerLength + offset, bytes);
        Interlocked.Add(ref _remaining, -bytes.Length);
    }

    /// <summary>Appends a whole tensor as stored, block by block.</summary>
    /// <exception cref="InvalidOperationException">It is longer than what remains.</exception>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public void Write(Tensor tensor)
    {
        TensorBytes.Copy(tensor, Write);
    }

    /// <summary>Completes and closes the file.</summary>
    /// <exception cref="InvalidOperationException">Bytes are missing.</exception>
    /// <exception cref="LoraOpsException">It cannot be written.</exception>
    public void Finish()
    {
        if (Remaining != 0)
            throw new InvalidOperationException($"{Remaining} bytes of tensors are missing.");

        _file.Finish();
    }

    /// <summary>Closes the file, complete or not.</summary>
    public void Dispose() => _file.Dispose();
}
