using System.Numerics;
using System.Runtime.InteropServices;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Sessions;

/// <summary>Copies elements into another element type of the same sort, if every value survives.</summary>
internal static class LosslessCopy
{
    /// <summary>Copies elements; false if one of them cannot be stored, or if integers would become floats or the reverse.</summary>
    public static bool TryCopy(Tensor source, long first, int count, ElementType target, Span<byte> destination)
    {
        if (source.Type == target)
        {
            source.ReadBytes(first * (target.Bits() / 8), destination);
            return true;
        }

        if (IsInteger(source.Type) && IsInteger(target))
            return TryReadIntegers(source, first, count) is { } integers && TryWrite(integers, target, destination);

        return source.Type.IsFloat() && target.IsFloat() && TryWrite(ReadDoubles(source, first, count), target, destination);
    }

    private static bool IsInteger(ElementType type) => type is ElementType.Bool or ElementType.U8 or ElementType.I8
        or ElementType.U16 or ElementType.I16 or ElementType.U32 or ElementType.I32 or ElementType.U64 or ElementType.I64;

    private static long[]? TryReadIntegers(Tensor source, long first, int count)
    {
        var size = source.Type.Bits() / 8;
        var bytes = new byte[count * size];
        source.ReadBytes(first * size, bytes);
        return source.Type switch
        {
            ElementType.I8 => Widen<sbyte>(bytes),
            ElementType.U16 => Widen<ushort>(bytes),
            ElementType.I16 => Widen<short>(bytes),
            ElementType.U32 => Widen<uint>(bytes),
            ElementType.I32 => Widen<int>(bytes),
            ElementType.I64 => Widen<long>(bytes),
            ElementType.U64 => Widen<ulong>(bytes),
            _ => Widen<byte>(bytes),
        };
    }

    private static long[]? Widen<T>(byte[] bytes)
        where T : unmanaged, IBinaryInteger<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        var result = new long[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            result[i] = long.CreateSaturating(values[i]);
            if (T.CreateSaturating(result[i]) != values[i])
                return null;
        }

        return result;
    }

    private static double[] ReadDoubles(Tensor source, long first, int count)
    {
        var result = new double[count];
        if (source.Type == ElementType.F64)
        {
            source.ReadBytes(first * sizeof(double), MemoryMarshal.AsBytes(result.AsSpan()));
            return result;
        }

        var singles = new float[count];
        source.ReadFloats(first, singles);
        for (var i = 0; i < count; i++)
            result[i] = singles[i];

        return result;
    }

    private static bool TryWrite(long[] values, ElementType target, Span<byte> destination) => target switch
    {
        ElementType.Bool => Array.TrueForAll(values, value => value is 0 or 1) && TryNarrow<long, byte>(values, destination),
        ElementType.U8 => TryNarrow<long, byte>(values, destination),
        ElementType.I8 => TryNarrow<long, sbyte>(values, destination),
        ElementType.U16 => TryNarrow<long, ushort>(values, destination),
        ElementType.I16 => TryNarrow<long, short>(values, destination),
        ElementType.U32 => TryNarrow<long, uint>(values, destination),
        ElementType.I32 => TryNarrow<long, int>(values, destination),
        ElementType.U64 => TryNarrow<long, ulong>(values, destination),
        _ => TryNarrow<long, long>(values, destination),
    };

    private static bool TryWrite(double[] values, ElementType target, Span<byte> destination) => target switch
    {
        ElementType.F16 => TryNarrow<double, Half>(values, destination),
        ElementType.F32 => TryNarrow<double, float>(values, destination),
        ElementType.F64 => TryNarrow<double, double>(values, destination),
        _ => false,
    };

    private static bool TryNarrow<TFrom, TTo>(TFrom[] values, Span<byte> destination)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        var target = MemoryMarshal.Cast<byte, TTo>(destination);
        for (var i = 0; i < values.Length; i++)
        {
            target[i] = TTo.CreateSaturating(values[i]);
            if (TFrom.CreateSaturating(target[i]) != values[i] && !TFrom.IsNaN(values[i]))
                return false;
        }

        return true;
    }
}
