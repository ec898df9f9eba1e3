using LoraOps.Problems;
using LoraOps.Tensors;
using Microsoft.Win32.SafeHandles;

namespace LoraOps.Readers.Safetensors;

/// <summary>
/// A tensor of an open file, read by position: what is read does not stay in the process as pages of a map would, and a file
/// that is shortened meanwhile gives a problem instead of ending the process. It ends with the file that it came from.
/// </summary>
/// <param name="entry">What the header says; checked against the length of the file.</param>
/// <param name="path">The file, for messages.</param>
/// <param name="file">The open file.</param>
/// <param name="start">Where in the file the tensor begins.</param>
internal sealed class StoredTensor(HeaderEntry entry, string path, SafeFileHandle file, long start)
    : Tensor(entry.Name, entry.Type, entry.Shape)
{
    /// <summary>Where in the file the tensor begins.</summary>
    public long Start => start;

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    /// <exception cref="LoraOpsException">The file was shortened since it was checked, or cannot be read.</exception>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        try
        {
            for (var at = start + offset; destination.Length > 0;)
            {
                var read = RandomAccess.Read(file, destination, at);
                if (read == 0)
                    throw new LoraOpsException(FileProblems.FileUnreadable(path, "it became shorter while it was used"));

                destination = destination[read..];
                at += read;
            }
        }
        catch (IOException error)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, error.Message));
        }
    }
}
