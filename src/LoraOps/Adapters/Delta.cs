using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Adapters;

/// <summary>
/// What an adapter does to one parameter of one module, in whatever form its method stores it. It is stateless until it is
/// prepared for a base weight; then rows of the weight are changed block by block.
/// </summary>
public abstract class Delta
{
    /// <summary>The method's name as users know it: <c>lora</c>, <c>dora</c>.</summary>
    public abstract string Method { get; }

    /// <summary>What the layer computes; <see cref="LayerKind.Linear"/> if the adapter's tensors do not tell.</summary>
    public abstract LayerKind Layer { get; }

    /// <summary>The changed parameter's own name: <c>weight</c>, <c>bias</c>, or that of a raw parameter.</summary>
    public virtual string Parameter => "weight";

    /// <summary>True if a base without this parameter needs no change (a bias that is scaled with the weight).</summary>
    public virtual bool IsOptional => false;

    /// <summary>
    /// The shape of the parameter in PyTorch's layout ([out, in], [vocabulary, dim], [out, in, kernel…], [out] for a bias), or
    /// null if the adapter's tensors do not tell it (IA3, VeRA, FourierFT …).
    /// </summary>
    public abstract TensorShape? WeightShape { get; }

    /// <summary>The inner dimension of the factors; 0 for a method without.</summary>
    public abstract int Rank { get; }

    /// <summary>What the product of the factors is multiplied with: alpha / r, or alpha / √r for rsLoRA; 1 for a method without.</summary>
    public abstract double Scale { get; }

    /// <summary>True if ΔW depends on the base weight's values (DoRA, rotations, multiplicative methods).</summary>
    public abstract bool NeedsWeight { get; }

    /// <summary>
    /// Over how many groups the outputs of a convolution look at all input channels, each at its own columns of B; 1 for every delta that is a
    /// change of the weight.
    /// </summary>
    public virtual long Groups => 1;

    /// <summary>Why no weight can take the change in, so that it is only run beside its layer; null for every delta that is a change of the weight.</summary>
    public virtual Problem? Refusal => null;

    /// <summary>True if the value takes the parameter's place, wholly or for some rows, so that no other factor than 1 makes sense.</summary>
    public virtual bool Replaces => false;

    /// <summary>True if <see cref="Prepare"/> always gives a <see cref="ProductUpdate"/>: such changes are folded in one pass.</summary>
    public virtual bool IsProduct => false;

    /// <summary>The shapes that fit, for messages.</summary>
    public virtual string Expected => WeightShape?.ToString() ?? "any shape";

    /// <summary>True if the delta belongs to a parameter of this shape in PyTorch's layout.</summary>
    public virtual bool Fits(TensorShape weight) => weight.Equals(WeightShape);

    /// <summary>How many elements of a weight make one row of the grid that <see cref="RowUpdate"/> works on.</summary>
    /// <param name="weight">A shape that fits.</param>
    public virtual long ColumnsOf(TensorShape weight) => weight.RowLength;

    /// <summary>Rows that depend on one another: a block of rows begins and ends at a multiple of it.</summary>
    /// <param name="weight">A shape that fits.</param>
    public virtual long RowGroupOf(TensorShape weight) => 1;

    /// <summary>The bytes of memory that <see cref="Prepare"/> takes and keeps, for the memory plan.</summary>
    /// <param name="weight">A shape that fits.</param>
    public virtual long PreparedBytes(TensorShape weight) =>
        sizeof(float) * Math.Max(1, (long)Rank) * ((weight.ElementCount / ColumnsOf(weight)) + ColumnsOf(weight));

    /// <summary>Decodes and checks the adapter's tensors for one base weight.</summary>
    /// <param name="weight">The weight, of a shape that fits.</param>
    /// <exception cref="LoraOpsException">The values have no meaning for this weight (an index outside, a zero norm).</exception>
    public abstract RowUpdate Prepare(TargetWeight weight);

    /// <summary>Adds factor · ΔW of a whole weight that is in memory.</summary>
    /// <param name="sum">Row-major, of a shape that fits.</param>
    /// <param name="weight">The base weight and its values.</param>
    /// <param name="factor">The adapter's weight in a weighted merge; 1 for a plain one.</param>
    public void AddTo(Span<float> sum, TargetWeight weight, float factor)
    {
        var values = new float[NeedsWeight ? sum.Length : 0];
        if (NeedsWeight)
            weight.Read(0, values);

        Prepare(weight).AddTo(0, sum, values, factor);
    }
}
