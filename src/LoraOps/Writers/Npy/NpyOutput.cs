using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using LoraOps.Tensors;

namespace LoraOps.Writers.Npy;

/// <summary>Writes arrays in NumPy's .npy format, version 1 (numpy/lib/format.py).</summary>
public static class NpyOutput
{
    private const int Alignment = 64;
    private const int PrefixBytes = 10;

    /// <summary>True for element types that NumPy has a name for.</summary>
    public static bool Holds(ElementType type) => DescriptionOf(type) is not null;

    /// <summary>Writes one array.</summary>
    /// <param name="path">A file that no user sees yet (<see cref="StagedOutput"/>).</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="elements">Row-major, little-endian; as many as the shape says.</param>
    /// <exception cref="ArgumentException">NumPy has no such type, or the elements are more or fewer than the shape says.</exception>
    public static void Write(string path, ElementType type, TensorShape shape, ReadOnlySpan<byte> elements)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var description = DescriptionOf(type) ?? throw new ArgumentException($"NumPy has no type for {type}.", nameof(type));
        if ((UInt128)elements.Length != (UInt128)shape.ElementCount * (uint)type.Bits() / 8)
            throw new ArgumentException($"{elements.Length} bytes are no {type} {shape}.", nameof(elements));

        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(Header(description, shape));
        file.Write(elements);
    }

    // The elements begin at a multiple of 64, so that they can be mapped into memory as they are.
    private static byte[] Header(string description, TensorShape shape)
    {
        var dims = string.Concat(shape.Dims.ToArray().Select(dim => string.Create(CultureInfo.InvariantCulture, $"{dim}, ")));
        var tuple = shape.Rank == 1 ? dims.TrimEnd(' ') : dims.TrimEnd(' ', ',');
        var text = $"{{'descr': '{description}', 'fortran_order': False, 'shape': ({tuple}), }}";
        var length = (((PrefixBytes + text.Length + 1) + Alignment - 1) / Alignment * Alignment) - PrefixBytes;
        var header = new byte[PrefixBytes + length];
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)length);
        Encoding.ASCII.GetBytes(text.PadRight(length - 1) + "\n", header.AsSpan(PrefixBytes));
        return header;
    }

    private static string? DescriptionOf(ElementType type) => type switch
    {
        ElementType.F16 => "<f2",
        ElementType.F32 => "<f4",
        ElementType.F64 => "<f8",
        ElementType.Bool => "|b1",
        ElementType.I8 => "|i1",
        ElementType.U8 => "|u1",
        ElementType.I16 => "<i2",
        ElementType.U16 => "<u2",
        ElementType.I32 => "<i4",
        ElementType.U32 => "<u4",
        ElementType.I64 => "<i8",
        ElementType.U64 => "<u8",
        _ => null,
    };
}
