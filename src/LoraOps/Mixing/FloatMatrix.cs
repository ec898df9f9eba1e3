using System.Numerics.Tensors;

namespace LoraOps.Mixing;

/// <summary>A matrix that is in memory as float32, times a power of two: half the bytes of float64, and no value out of range.</summary>
public sealed class FloatMatrix : DeltaMatrix
{
    // The squares of such values are normal float64 numbers, and their own small neighbours normal float32.
    private const double Large = 1e30;

    /// <summary>Values in memory: the difference of two checkpoints, for example.</summary>
    /// <param name="values">[rows, columns] row-major; is neither copied nor changed.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="exponent">The matrix is the values times two to this.</param>
    /// <exception cref="ArgumentException">The values are not as many.</exception>
    public FloatMatrix(float[] values, int rows, int columns, int exponent = 0)
        : base(rows, columns)
    {
        if (values.LongLength != Count)
            throw new ArgumentException("The matrix has not the size that it should.", nameof(values));

        (Values, Exponent) = (values, exponent);
    }

    /// <summary>[rows, columns] row-major.</summary>
    public float[] Values { get; }

    /// <summary>The matrix is the values times two to this.</summary>
    public int Exponent { get; }

    /// <summary>Works a delta out, once; a second time if its values are out of range.</summary>
    public static FloatMatrix Of(DeltaMatrix delta) => delta as FloatMatrix ?? Of(delta, new float[checked(delta.Rows * delta.Columns)]);

    /// <summary>Works a delta out in an array of its size.</summary>
    internal static FloatMatrix Of(DeltaMatrix delta, float[] values)
    {
        var most = Fill(delta, values, 0);
        if (most == 0 || (most < Large && most > 1 / Large))
            return new FloatMatrix(values, delta.Rows, delta.Columns);

        var exponent = Math.ILogB(most);
        Fill(delta, values, exponent);
        return new FloatMatrix(values, delta.Rows, delta.Columns, exponent);
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        TensorPrimitives.ConvertTruncating<float, double>(Values.AsSpan(first * Columns, values.Length), values);
        for (var at = 0; Exponent != 0 && at < values.Length; at++)
            values[at] = Math.ScaleB(values[at], Exponent);
    }

    private static double Fill(DeltaMatrix delta, float[] values, int exponent)
    {
        var most = 0.0;
        Tiles.Read(delta, (tile, index) =>
        {
            most = Math.Max(most, Math.Abs(TensorPrimitives.MaxMagnitude<double>(tile)));
            for (var at = 0; exponent != 0 && at < tile.Length; at++)
                tile[at] = Math.ScaleB(tile[at], -exponent);

            TensorPrimitives.ConvertTruncating<double, float>(tile, values.AsSpan((int)index, tile.Length));
            return true;
        });

        return most;
    }
}
