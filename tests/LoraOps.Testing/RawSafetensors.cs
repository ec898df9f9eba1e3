using System.Buffers.Binary;
using System.Text;

namespace LoraOps.Testing;

/// <summary>Makes safetensors files from a header as text, right or wrong.</summary>
public static class RawSafetensors
{
    /// <summary>The bytes of a file: the length, this header and this data.</summary>
    public static byte[] Bytes(string header, params byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    /// <summary>Writes such a file and gives its path.</summary>
    public static string Write(string path, string header, params byte[] data)
    {
        File.WriteAllBytes(path, Bytes(header, data));
        return path;
    }
}
