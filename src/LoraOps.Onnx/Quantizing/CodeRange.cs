namespace LoraOps.Onnx.Quantizing;

/// <summary>The integers that a quantized type holds.</summary>
/// <param name="Low">The smallest.</param>
/// <param name="High">The largest.</param>
public readonly record struct CodeRange(int Low, int High)
{
    /// <summary>All of int8.</summary>
    public static CodeRange Int8 { get; } = new(-128, 127);

    /// <summary>int8 without −128, so that it is the same on both sides of zero.</summary>
    public static CodeRange Int8Symmetric { get; } = new(-127, 127);

    /// <summary>Seven bits: two int8 products then fit the int16 sums of CPUs without VNNI.</summary>
    public static CodeRange Int8Reduced { get; } = new(-64, 64);

    /// <summary>All of uint8.</summary>
    public static CodeRange Uint8 { get; } = new(0, 255);

    /// <summary>All of int16.</summary>
    public static CodeRange Int16 { get; } = new(short.MinValue, short.MaxValue);

    /// <summary>int16 without −32768.</summary>
    public static CodeRange Int16Symmetric { get; } = new(-short.MaxValue, short.MaxValue);

    /// <summary>All of uint16.</summary>
    public static CodeRange Uint16 { get; } = new(0, ushort.MaxValue);
}
