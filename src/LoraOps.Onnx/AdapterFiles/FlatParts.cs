using System.Text;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>The parts of a parameter that look alike in every layout.</summary>
internal static class FlatParts
{
    /// <summary>The dimensions after their number.</summary>
    public static void WriteDims(this BinaryWriter writer, Tensor parameter)
    {
        writer.Write(parameter.Shape.Rank);
        foreach (var dim in parameter.Shape.Dims)
            writer.Write(dim);
    }

    /// <summary>The name after its length, and the zero that ends it.</summary>
    public static void WriteName(this BinaryWriter writer, Tensor parameter)
    {
        var name = Encoding.UTF8.GetBytes(parameter.Name);
        writer.Write(name.Length);
        writer.Write(name);
        writer.Write((byte)0);
    }

    /// <summary>Whatever is written.</summary>
    public static byte[] Bytes(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        write(writer);
        return stream.ToArray();
    }
}
