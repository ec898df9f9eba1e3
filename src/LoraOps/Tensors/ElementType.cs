using System.Collections.Frozen;

namespace LoraOps.Tensors;

/// <summary>The type of a tensor's elements, named and ordered as the safetensors format does.</summary>
public enum ElementType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>4-bit float, two a byte.</summary>
    F4,

    /// <summary>6-bit float, 2 exponent and 3 mantissa bits.</summary>
    F6E2M3,

    /// <summary>6-bit float, 3 exponent and 2 mantissa bits.</summary>
    F6E3M2,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>8-bit float, 5 exponent bits, with infinities (float8_e5m2).</summary>
    F8E5M2,

    /// <summary>8-bit float, 4 exponent bits, no infinities (float8_e4m3fn).</summary>
    F8E4M3,

    /// <summary>8-bit power of two, the scale of microscaling formats.</summary>
    F8E8M0,

    /// <summary>float8_e4m3fnuz: bias 8, one NaN, no negative zero.</summary>
    F8E4M3Fnuz,

    /// <summary>float8_e5m2fnuz: bias 16, one NaN, no negative zero.</summary>
    F8E5M2Fnuz,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE 754 binary16.</summary>
    F16,

    /// <summary>The upper half of a binary32.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>A pair of binary32.</summary>
    C64,

    /// <summary>IEEE 754 binary64.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Sizes and names of element types.</summary>
public static class ElementTypes
{
    private static readonly FrozenDictionary<string, ElementType> ByName = Enum.GetValues<ElementType>()
        .ToFrozenDictionary(type => type.Name(), StringComparer.Ordinal);

    /// <summary>Bits of one element.</summary>
    public static int Bits(this ElementType type) => type switch
    {
        ElementType.F4 => 4,
        ElementType.F6E2M3 or ElementType.F6E3M2 => 6,
        < ElementType.I16 => 8,
        < ElementType.I32 => 16,
        < ElementType.C64 => 32,
        _ => 64,
    };

    /// <summary>The name in a safetensors header.</summary>
    public static string Name(this ElementType type) => type switch
    {
        ElementType.Bool => "BOOL",
        ElementType.F6E2M3 => "F6_E2M3",
        ElementType.F6E3M2 => "F6_E3M2",
        ElementType.F8E5M2 => "F8_E5M2",
        ElementType.F8E4M3 => "F8_E4M3",
        ElementType.F8E8M0 => "F8_E8M0",
        ElementType.F8E4M3Fnuz => "F8_E4M3FNUZ",
        ElementType.F8E5M2Fnuz => "F8_E5M2FNUZ",
        _ => type.ToString(),
    };

    /// <summary>Finds a type by its exact name in a safetensors header.</summary>
    public static bool TryParse(string name, out ElementType type) => ByName.TryGetValue(name, out type);

    /// <summary>True for the types whose values <see cref="Tensor.ReadFloats"/> can give: all but sub-byte and complex ones.</summary>
    public static bool IsNumeric(this ElementType type) => type.Bits() >= 8 && type != ElementType.C64;

    /// <summary>True for the float types that a weight may have.</summary>
    public static bool IsFloat(this ElementType type) => type is ElementType.F64 or ElementType.F32 or ElementType.F16
        or ElementType.BF16 or ElementType.F8E4M3 or ElementType.F8E5M2 or ElementType.F8E4M3Fnuz or ElementType.F8E5M2Fnuz;
}
