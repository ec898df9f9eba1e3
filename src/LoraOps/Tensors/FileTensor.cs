using LoraOps.Problems;

namespace LoraOps.Tensors;

/// <summary>A tensor whose bytes are read from a file each time they are asked for; the file is opened for each read.</summary>
/// <param name="name">Its name.</param>
/// <param name="type">The type of its elements.</param>
/// <param name="shape">Its dimensions.</param>
/// <param name="path">The file.</param>
/// <param name="start">Where in the file it begins.</param>
public sealed class FileTensor(string name, ElementType type, TensorShape shape, string path, long start)
    : Tensor(name, type, shape)
{
    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The file was removed or shortened since it was checked.</exception>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        try
        {
            using var file = File.OpenHandle(path);
            for (var at = start + offset; destination.Length > 0;)
            {
                var read = RandomAccess.Read(file, destination, at);
                if (read == 0)
                    throw new EndOfStreamException("it became shorter");

                destination = destination[read..];
                at += read;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LoraOpsException(FileProblems.FileUnreadable(path, $"it changed while it was used: {error.Message}"));
        }
    }
}
