using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>How a budget of memory is shared: what the runtime itself takes, the factors that are prepared, and a block for each worker.</summary>
internal sealed record MemoryPlan
{
    /// <summary>What the runtime, its code and the headers take; measured at about 70 MB.</summary>
    public const long RuntimeBytes = 96L << 20;

    /// <summary>The budget where nobody said one.</summary>
    public const long UsualBytes = 256L << 20;

    private readonly MergeArithmetic _arithmetic;

    private MemoryPlan(MergeArithmetic arithmetic) => _arithmetic = arithmetic;

    /// <summary>The threads that make blocks.</summary>
    public required int Workers { get; init; }

    /// <summary>The memory of a worker's block, with everything that it takes to make it.</summary>
    public required long BlockBytes { get; init; }

    /// <summary>The memory of prepared factors that may be alive at a time.</summary>
    public required long PreparedBytes { get; init; }

    /// <summary>The least memory that the merge can be done in, beside what the runtime takes.</summary>
    public required long LeastBytes { get; init; }

    /// <summary>The tensor that decides <see cref="LeastBytes"/>; null if nothing is merged.</summary>
    public required TensorChange? Largest { get; init; }

    /// <summary>A tensor whose least block has more elements than an array holds, or null.</summary>
    public required TensorChange? Oversized { get; init; }

    /// <summary>The budget: the most memory that the merge takes, whatever the machine's number of processors.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>Shares a budget; one that is too small is exceeded, which <see cref="PeakBytes"/> tells.</summary>
    /// <param name="changes">What is merged.</param>
    /// <param name="arithmetic">Whose arithmetic.</param>
    /// <param name="budget">The budget in bytes, or null.</param>
    public static MemoryPlan Of(IReadOnlyCollection<TensorChange> changes, MergeArithmetic arithmetic, long? budget)
    {
        var merged = changes.Where(change => !change.IsCopy).ToList();
        var prepared = merged.Select(change => Prepared(change, arithmetic)).DefaultIfEmpty().Max();
        var block = merged.Select(change => LeastBlock(change, arithmetic)).Append(CopyBytes).Max();
        var least = prepared + block;
        var room = Math.Max((budget ?? UsualBytes) - RuntimeBytes, least) - prepared;
        var workers = (int)Math.Clamp(room / block, 1, Math.Max(2, Environment.ProcessorCount));

        // Each worker has a file of its own, and factors: as many as fit without taking more than half of the blocks' room.
        var more = prepared == 0 ? 0 : Math.Min(workers - 1, Math.Min(room / 2, room - (workers * block)) / prepared);
        room -= more * prepared;
        return new MemoryPlan(arithmetic)
        {
            Workers = workers,
            BlockBytes = Math.Clamp(room / workers, block, Math.Max(block, MostBlockBytes)),
            PreparedBytes = (1 + more) * prepared,
            LeastBytes = least,
            PeakBytes = Math.Max(budget ?? UsualBytes, least + RuntimeBytes),
            Oversized = merged.Find(change => LeastBlock(change, arithmetic) > sizeof(float) * (long)Array.MaxLength),
            Largest = merged.MaxBy(change => Prepared(change, arithmetic) + LeastBlock(change, arithmetic)),
        };
    }

    /// <summary>The blocks of a changed tensor.</summary>
    public TensorBlocks BlocksOf(TensorChange change, Targets targets)
    {
        if (change.IsCopy)
            return new CopiedBlocks(change.Start);

        var isProduct = ProductBlocks.Suits(change, _arithmetic);
        var rowBytes = Math.Max(1, change.RowBytes);
        var group = isProduct ? 1 : RowBlocks.RowGroup(change);
        var size = change.Type.Bits() / 8;
        var stored = Math.Min(TensorBlocks.GoodBytes, BlockBytes / ElementBytes(change, _arithmetic) * size);
        var rows = Math.Max(1, stored / (rowBytes * group)) * group;
        return isProduct ? new ProductBlocks(change, rows, targets) : new RowBlocks(change, _arithmetic, rows, targets);
    }

    private const long CopyBytes = TensorBlocks.GoodBytes;

    private const long MostBlockBytes = 16L << 20;

    private static long Prepared(TensorChange change, MergeArithmetic arithmetic) =>
        ProductBlocks.Suits(change, arithmetic) ? ProductBlocks.Prepared(change) : RowBlocks.Prepared(change);

    private static int ElementBytes(TensorChange change, MergeArithmetic arithmetic) =>
        ProductBlocks.Suits(change, arithmetic) ? (change.Type.Bits() / 8) + sizeof(float) : RowBlocks.ElementBytes(change, arithmetic);

    private static long LeastBlock(TensorChange change, MergeArithmetic arithmetic)
    {
        var elements = change.Columns * (ProductBlocks.Suits(change, arithmetic) ? 1 : RowBlocks.RowGroup(change));
        return Math.Max(elements * ElementBytes(change, arithmetic), CopyBytes);
    }
}
