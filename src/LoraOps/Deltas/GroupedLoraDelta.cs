using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// LoRA beside a convolution of several groups, as huggingface/peft trains it: A convolves all channels, B is grouped as its layer is, and
/// y ← y + scale · B(A(x)). No grouped kernel does the same, so it is run beside the layer or refused.
/// </summary>
public sealed class GroupedLoraDelta : Delta
{
    internal GroupedLoraDelta(Tensor a, Tensor b, double scale, Problem refusal)
    {
        A = a;
        B = b;
        Scale = scale;
        Refusal = refusal;
        Rank = checked((int)a.Shape[0]);
        Groups = a.Shape[0] / b.Shape[1];
        WeightShape = new TensorShape([b.Shape[0], a.Shape[1] / Groups, .. a.Shape.Dims[2..]]);
    }

    /// <inheritdoc/>
    public override string Method => "lora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Convolution;

    /// <summary>The base weight's shape, [out, in / groups, kernel…]; no change of it is this delta.</summary>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override long Groups { get; }

    /// <inheritdoc/>
    public override Problem Refusal { get; }

    /// <summary>The first factor as stored: [r, in, kernel…].</summary>
    public Tensor A { get; }

    /// <summary>The second factor as stored: [out, r / groups, 1…].</summary>
    public Tensor B { get; }

    /// <summary>True if factors that differ in their inner dimension have groups that divide the inputs and outputs, and a whole B that can be held.</summary>
    /// <param name="a">[r, in, kernel…]</param>
    /// <param name="b">[out, r / groups, 1…]</param>
    internal static bool IsRunnable(TensorShape a, TensorShape b)
    {
        var groups = a[0] / b[1];
        return a[1] > 0 && a[1] % groups == 0 && b[0] % groups == 0 && b[0] <= Array.MaxLength / a[0];
    }

    /// <summary>No weight can take the change in.</summary>
    /// <param name="weight">Not looked at.</param>
    /// <exception cref="LoraOpsException">Always: <see cref="Refusal"/>.</exception>
    public override RowUpdate Prepare(TargetWeight weight) => throw new LoraOpsException(Refusal);

    /// <summary>
    /// The change of an ungrouped weight [out, in, kernel…] that does the same beside the layer: B with zeros at the other groups' columns.
    /// </summary>
    public ProductUpdate Whole()
    {
        var (stored, outputs) = (B.ToFloats(), checked((int)B.Shape[0]));
        var (width, rows) = (checked((int)B.Shape[1]), checked((int)(outputs / Groups)));
        var whole = new float[checked(outputs * Rank)];
        for (var output = 0; output < outputs; output++)
            stored.AsSpan(output * width, width).CopyTo(whole.AsSpan((output * Rank) + (output / rows * width)));

        return new ProductUpdate(whole, A.ToFloats(), Rank, Scale);
    }
}
