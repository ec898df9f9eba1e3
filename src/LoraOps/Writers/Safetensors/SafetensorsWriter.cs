using System.Text;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Writers.Safetensors;

/// <summary>Writes safetensors files with the bytes of the reference writer (huggingface/safetensors, tensor.rs).</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes tensors, the widest element types first and by name within a type; blocks of them are in memory at a time.</summary>
    /// <param name="path">The file, which must not exist; write to a <see cref="StagedOutput"/>.</param>
    /// <param name="tensors">The tensors in any order, read when they are written.</param>
    /// <param name="metadata">The text map <c>__metadata__</c>, written sorted by key; none if null or empty.</param>
    /// <exception cref="LoraOpsException">The file exists or cannot be written.</exception>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    public static void Write(
        string path, IReadOnlyList<Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = Order(tensors, SafetensorsEntry.Of).ToList();
        using var stream = SafetensorsOutput.Create(path, [.. ordered.Select(SafetensorsEntry.Of)], metadata);
        foreach (var tensor in ordered)
            stream.Write(tensor);

        stream.Finish();
    }

    /// <summary>The order of the reference writer: the widest element types first, by name within a type.</summary>
    /// <param name="tensors">What will be written.</param>
    /// <param name="entry">What the header will say of it.</param>
    public static IEnumerable<T> Order<T>(IEnumerable<T> tensors, Func<T, SafetensorsEntry> entry) => tensors
        .OrderByDescending(tensor => entry(tensor).Type)
        .ThenBy(tensor => Encoding.UTF8.GetBytes(entry(tensor).Name), ByteOrder);

    // Names are compared as UTF-8, which differs from the order of .NET's strings beyond U+FFFF.
    private static readonly Comparer<byte[]> ByteOrder = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));
}
