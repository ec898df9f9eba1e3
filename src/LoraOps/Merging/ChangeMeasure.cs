using System.Runtime.ExceptionServices;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>
/// Measures what a merge does to weights without writing anything: blocks are made as the merge makes them and compared with
/// the base's. Sums are float64, block by block in the order of the tensor, so that every run gives the same numbers.
/// </summary>
internal sealed class ChangeMeasure(SourceModel model, MemoryPlan memory, Targets targets, MergeArithmetic arithmetic)
{
    /// <summary>Measures one tensor.</summary>
    /// <param name="change">What happens to it.</param>
    /// <param name="read">Told the bytes of each block that is done.</param>
    /// <param name="stop">Ends the measuring.</param>
    public WeightMeasure Of(TensorChange change, Action<long> read, CancellationToken stop)
    {
        var measure = new WeightMeasure(change.Name, change.Shape.ElementCount);
        var origin = change.ReplacedBy is null ? change.Start : model.Weights.Find(change.Name);
        if (origin is null || !origin.Shape.Equals(change.Shape))
        {
            read(change.ByteLength);
            return measure;
        }

        var blocks = memory.BlocksOf(change, targets);
        blocks.Prepare();
        try
        {
            return Total(measure, origin.Type == change.Type, Sums(change, origin, blocks, read, stop));
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
            throw;
        }
        finally
        {
            blocks.Release();
        }
    }

    private List<BlockSums> Sums(TensorChange change, Tensor origin, TensorBlocks blocks, Action<long> read, CancellationToken stop)
    {
        var counting = new Lock();
        using var scratch = new ThreadLocal<Workspace>(() => new Workspace());
        return [.. ParallelEnumerable.Range(0, checked((int)blocks.Count))
            .AsOrdered()
            .WithDegreeOfParallelism(memory.Workers)
            .WithCancellation(stop)
            .Select(index =>
            {
                var (offset, length) = blocks.Range(index);
                var sums = SumsOf(change, origin, blocks, offset, length, scratch.Value!);
                lock (counting)
                    read(length);

                return sums;
            })];
    }

    private BlockSums SumsOf(TensorChange change, Tensor origin, TensorBlocks blocks, long offset, int length, Workspace work)
    {
        var size = change.Type.Bits() / 8;
        var (first, count) = (offset / size, length / size);
        var weight = work.Ours.Floats(0, count);
        var delta = work.Ours.Floats(1, count);
        var merged = work.Ours.Floats(2, count);
        var bytes = work.Ours.Bytes(length);
        blocks.Fill(offset, bytes, work.Theirs);
        ElementCodec.Decode(change.Type, bytes, merged);
        origin.ReadFloats(first, weight);
        if (arithmetic == MergeArithmetic.Exact)
            blocks.FillChange(offset, delta, work.Theirs);

        var start = delta;
        if (change.ReplacedBy is not null)
        {
            start = work.Theirs.Floats(0, count);
            change.Start.ReadFloats(first, start);
        }

        var sums = default(BlockSums);
        for (var index = 0; index < count; index++)
        {
            var added = arithmetic == MergeArithmetic.Peft ? (double)merged[index] - weight[index]
                : change.ReplacedBy is null ? delta[index]
                : (double)start[index] - weight[index] + delta[index];
            sums.Add(weight[index], added, (double)merged[index] - weight[index] - added);
        }

        if (origin.Type == change.Type)
            sums.Unchanged = SameElements(origin, offset, bytes, size, work);

        return sums;
    }

    private static long SameElements(Tensor origin, long offset, ReadOnlySpan<byte> merged, int size, Workspace work)
    {
        var stored = work.Theirs.Bytes(merged.Length);
        origin.ReadBytes(offset, stored);
        var same = 0L;
        for (var at = 0; at < merged.Length; at += size)
            same += merged.Slice(at, size).SequenceEqual(stored.Slice(at, size)) ? 1 : 0;

        return same;
    }

    private static WeightMeasure Total(WeightMeasure measure, bool hasSameType, List<BlockSums> blocks) => measure with
    {
        Norm = Math.Sqrt(blocks.Sum(block => block.Weight)),
        ChangeNorm = Math.Sqrt(blocks.Sum(block => block.Change)),
        LossNorm = Math.Sqrt(blocks.Sum(block => block.Loss)),
        Unchanged = hasSameType ? blocks.Sum(block => block.Unchanged) : null,
    };

    /// <summary>Sums of squares over a block.</summary>
    private record struct BlockSums(double Weight, double Change, double Loss, long Unchanged)
    {
        public void Add(double weight, double change, double loss)
        {
            Weight += weight * weight;
            Change += change * change;
            Loss += loss * loss;
        }
    }

    /// <summary>One thread's memory: ours, and that of the blocks.</summary>
    private sealed class Workspace
    {
        public Scratch Ours { get; } = new();

        public Scratch Theirs { get; } = new();
    }
}
