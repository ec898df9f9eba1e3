using LoraOps.Tensors;

namespace LoraOps.Readers.Peft;

/// <summary>
/// The factor A of a convolution that kohya split once more (LoCon, Tucker): A[p, i, k] = Σ_q core[p, q, k] · down[q, i], so
/// that up · A is up · core · down. Computed in float64 when it is read, and rounded to float32.
/// </summary>
/// <param name="core">[r, r, kernel…]</param>
/// <param name="down">[r, in, 1…]</param>
internal sealed class TuckerFactor(Tensor core, Tensor down) : ComputedTensor(down.Name, ShapeOf(core, down))
{
    /// <summary>[r, in, kernel…]</summary>
    public static TensorShape ShapeOf(Tensor core, Tensor down) => new([core.Shape[0], down.Shape[1], .. core.Shape.Dims[2..]]);

    /// <summary>True if core and factor belong together: [r, q, kernel…] and [q, in, 1…].</summary>
    public static bool Fits(Tensor core, Tensor down) =>
        core.Shape.Rank is >= 3 and <= 5 && (down.Shape.Rank == 2 || down.Shape.Rank == core.Shape.Rank) &&
        down.Shape.Dims[2..].IndexOfAnyExcept(1) < 0 && core.Shape[1] == down.Shape[0] &&
        TensorShape.TryCount([core.Shape[0], down.Shape[1], .. core.Shape.Dims[2..]], out var count) && count <= int.MaxValue / 2;

    /// <inheritdoc/>
    protected override void Compute(long first, Span<float> values)
    {
        var (middle, inner) = (core.ToFloats(), down.ToFloats());
        var (ranks, inputs) = ((int)core.Shape[1], (int)down.Shape[1]);
        var kernel = middle.Length / (int)core.Shape[0] / ranks;
        for (var index = 0; index < values.Length; index++)
        {
            var (row, rest) = Math.DivRem(first + index, (long)inputs * kernel);
            var (input, at) = Math.DivRem((int)rest, kernel);
            var sum = 0.0;
            for (var q = 0; q < ranks; q++)
                sum += (double)middle[(((row * ranks) + q) * kernel) + at] * inner[(q * inputs) + input];

            values[index] = (float)sum;
        }
    }
}
