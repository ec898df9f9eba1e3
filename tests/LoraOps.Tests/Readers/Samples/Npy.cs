using System.Buffers.Binary;
using System.Text;

namespace LoraOps.Tests.Readers.Samples;

/// <summary>Makes .npy files, right or wrong.</summary>
internal static class Npy
{
    /// <summary>Writes an array in C order as numpy.save does.</summary>
    public static void Write(string path, string type, string shape, byte[] data, byte version = 1) =>
        WriteRaw(path, $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}  \n", data, version);

    /// <summary>Writes any header.</summary>
    public static void WriteRaw(string path, string header, byte[] data, byte version = 1)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[version == 1 ? 2 : 4];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)text.Length);

        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. data]);
    }
}
