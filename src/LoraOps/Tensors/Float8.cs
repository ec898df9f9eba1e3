namespace LoraOps.Tensors;

/// <summary>The 8-bit floats: sign, exponent and mantissa as their names say (OCP OFP8; the fnuz forms have one NaN and no −0).</summary>
public static class Float8
{
    /// <summary>Decodes 8-bit floats.</summary>
    /// <exception cref="NotSupportedException">The type is no 8-bit float.</exception>
    public static void Decode(ElementType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        Span<float> table = stackalloc float[256];
        for (var code = 0; code < table.Length; code++)
            table[code] = Value(type, (byte)code);

        for (var i = 0; i < bytes.Length; i++)
            values[i] = table[bytes[i]];
    }

    private static float Value(ElementType type, byte code) => type switch
    {
        ElementType.F8E4M3 => (code & 0x7F) == 0x7F ? float.NaN : Finite(code, mantissaBits: 3, bias: 7),
        ElementType.F8E5M2 when (code & 0x7C) == 0x7C =>
            (code & 3) != 0 ? float.NaN : code < 0x80 ? float.PositiveInfinity : float.NegativeInfinity,
        ElementType.F8E5M2 => Finite(code, mantissaBits: 2, bias: 15),
        ElementType.F8E4M3Fnuz => code == 0x80 ? float.NaN : Finite(code, mantissaBits: 3, bias: 8),
        ElementType.F8E5M2Fnuz => code == 0x80 ? float.NaN : Finite(code, mantissaBits: 2, bias: 16),
        ElementType.F8E8M0 => code == 0xFF ? float.NaN : MathF.ScaleB(1, code - 127),
        _ => throw new NotSupportedException($"{type.Name()} is no 8-bit float."),
    };

    private static float Finite(byte code, int mantissaBits, int bias)
    {
        var mantissa = code & ((1 << mantissaBits) - 1);
        var exponent = (code & 0x7F) >> mantissaBits;
        var magnitude = exponent == 0
            ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
            : MathF.ScaleB((1 << mantissaBits) + mantissa, exponent - bias - mantissaBits);
        return code < 0x80 ? magnitude : -magnitude;
    }
}
