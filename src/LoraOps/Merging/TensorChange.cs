using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>One delta of a tensor.</summary>
/// <param name="Source">The adapter and its weight.</param>
/// <param name="Module">Its adapted layer.</param>
internal sealed record Addition(WeightedAdapter Source, AdapterModule Module);

/// <summary>What the merge does to one tensor of the output.</summary>
/// <param name="Name">Its name in the output.</param>
/// <param name="Type">Its type in the output.</param>
internal sealed record TensorChange(string Name, ElementType Type)
{
    /// <summary>The value before deltas: the base's own, a replacement, or what a new head was tied to.</summary>
    public required Tensor Start { get; set; }

    /// <summary>The adapter that replaces the value, or null.</summary>
    public Adapter? ReplacedBy { get; set; }

    /// <summary>True if the base has no tensor of this name.</summary>
    public bool IsNew { get; init; }

    /// <summary>True if the file stores [in, out] where PyTorch's layout is [out, in].</summary>
    public bool IsTransposed { get; set; }

    /// <summary>The deltas, in the order of the adapters.</summary>
    public List<Addition> Additions { get; } = [];

    /// <summary>The shape in the output.</summary>
    public TensorShape Shape => Start.Shape;

    /// <summary>The shape in PyTorch's layout.</summary>
    public TensorShape Layout => IsTransposed ? new TensorShape(Shape[1], Shape[0]) : Shape;

    /// <summary>The elements of a row as stored, which is a row of the deltas' grid unless the file is transposed.</summary>
    public long Columns => (IsTransposed, Additions.Count) switch
    {
        (true, _) => Shape[1],
        (_, 0) => Shape.RowLength,
        _ => Additions[0].Module.Delta.ColumnsOf(Shape),
    };

    /// <summary>The bytes of a row as stored.</summary>
    public long RowBytes => Columns * Type.Bits() / 8;

    /// <summary>The bytes in the output.</summary>
    public long ByteLength => checked((long)((UInt128)Shape.ElementCount * (uint)Type.Bits() / 8));

    /// <summary>True if the bytes of <see cref="Start"/> are the result.</summary>
    public bool IsCopy => Additions.Count == 0 && Start.Type == Type;
}
