using System.Runtime.InteropServices;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>A weight and low-rank products, all in one pass: each stored element is widened, updated and rounded once in registers.</summary>
internal sealed class ProductBlocks(TensorChange change, long blockRows, Targets targets)
    : TensorBlocks(change.ByteLength, blockRows * change.RowBytes)
{
    private JoinedProduct? _product;

    /// <inheritdoc/>
    public override long PreparedBytes => Prepared(change);

    /// <summary>True if this is all that happens to the weight.</summary>
    public static bool Suits(TensorChange change, MergeArithmetic arithmetic) =>
        arithmetic == MergeArithmetic.Exact && change.Start.Type == change.Type && change.Start.IsExact &&
        change.Type is ElementType.BF16 or ElementType.F32 or ElementType.F16 &&
        change.Additions.TrueForAll(addition => addition.Module.Delta.IsProduct);

    /// <summary>The memory that the factors take: as read, joined and packed.</summary>
    public static long Prepared(TensorChange change) => 3 * change.Additions.Sum(addition => addition.Module.Delta.PreparedBytes(change.Layout));

    /// <inheritdoc/>
    public override void Prepare() => _product = new JoinedProduct(
        [.. change.Additions.Select(addition => ((ProductUpdate)addition.Module.Delta.Prepare(targets.Of(change, addition)), (float)addition.Source.Weight))],
        change.IsTransposed);

    /// <inheritdoc/>
    public override void Fill(long offset, Span<byte> bytes, Scratch scratch)
    {
        change.Start.ReadBytes(offset, bytes);
        var row = offset / change.RowBytes;
        var isFinite = change.Type switch
        {
            ElementType.BF16 => _product!.AddTo(row, MemoryMarshal.Cast<byte, ushort>(bytes)),
            ElementType.F32 => _product!.AddTo(row, MemoryMarshal.Cast<byte, float>(bytes)),
            _ => AddToHalves(row, bytes, scratch),
        };
        if (!isFinite)
            throw new LoraOpsException(MergeProblems.NotFinite(targets.BasePath, change.Name, change.Type.Name()));
    }

    /// <inheritdoc/>
    public override void FillChange(long offset, Span<float> values, Scratch scratch)
    {
        values.Clear();
        _product!.AddTo(offset / change.RowBytes, values);
    }

    /// <inheritdoc/>
    public override void Release()
    {
        _product?.Release();
        _product = null;
    }

    private bool AddToHalves(long row, Span<byte> bytes, Scratch scratch)
    {
        var values = scratch.Floats(0, bytes.Length / sizeof(ushort));
        ElementCodec.Decode(change.Type, bytes, values);
        _product!.AddTo(row, values);
        ElementCodec.Encode(change.Type, values, bytes);
        return FiniteCheck.AllFinite(change.Type, bytes);
    }
}
