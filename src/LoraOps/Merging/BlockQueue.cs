using System.Runtime.ExceptionServices;

namespace LoraOps.Merging;

/// <summary>A piece of work: a block of a tensor, or a whole file that the system copies.</summary>
/// <param name="Tensor">The tensor, or null for a copy.</param>
/// <param name="Index">The block.</param>
/// <param name="Copy">The copy, which gives its bytes, or null.</param>
internal sealed record Job(ShardTensor? Tensor, long Index, Func<long>? Copy);

/// <summary>
/// Hands out the work in the order of the output. A tensor whose factors do not fit beside those that are in use waits until
/// the others are done.
/// </summary>
/// <param name="jobs">All of the work; taken from as it goes, so that files are opened when they are due.</param>
/// <param name="budget">The memory of prepared factors.</param>
internal sealed class BlockQueue(IEnumerable<Job> jobs, long budget) : IDisposable
{
    private readonly Lock _taking = new();
    private readonly object _gate = new();
    private readonly IEnumerator<Job> _jobs = jobs.GetEnumerator();
    private readonly Dictionary<ShardTensor, TensorState> _open = [];
    private long _inUse;
    private bool _isStopped;

    /// <summary>The next piece, prepared; null if there is none or the work was stopped.</summary>
    public Job? Take()
    {
        Job job;
        lock (_taking)
        {
            if (_isStopped || !_jobs.MoveNext())
                return null;

            job = _jobs.Current;
            if (job.Tensor is { } tensor && !Enter(tensor))
                return null;
        }

        if (job.Tensor is not null)
            StateOf(job.Tensor).Prepared.Value.Equals(true);

        return job;
    }

    /// <summary>A block is done; the last one of a tensor gives its memory back.</summary>
    public void Done(ShardTensor tensor)
    {
        lock (_gate)
        {
            var state = _open[tensor];
            if (--state.BlocksLeft > 0)
                return;

            _open.Remove(tensor);
            tensor.Blocks.Release();
            _inUse -= tensor.Blocks.PreparedBytes;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The first failure, which stopped the work; null if there was none.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Hands out nothing more, because a worker failed. Always true, for an exception filter.</summary>
    public bool Fail(Exception error)
    {
        lock (_gate)
        {
            Failure ??= ExceptionDispatchInfo.Capture(error);
            _isStopped = true;
            Monitor.PulseAll(_gate);
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _jobs.Dispose();

    // False if the work was stopped while the tensor waited.
    private bool Enter(ShardTensor tensor)
    {
        lock (_gate)
        {
            if (_open.ContainsKey(tensor))
                return true;

            while (!_isStopped && _inUse > 0 && _inUse + tensor.Blocks.PreparedBytes > budget)
                Monitor.Wait(_gate);

            _inUse += tensor.Blocks.PreparedBytes;
            _open[tensor] = new TensorState(tensor.Blocks);
            return !_isStopped;
        }
    }

    private TensorState StateOf(ShardTensor tensor)
    {
        lock (_gate)
            return _open[tensor];
    }

    private sealed class TensorState(TensorBlocks blocks)
    {
        public long BlocksLeft { get; set; } = blocks.Count;

        public Lazy<bool> Prepared { get; } = new(() =>
        {
            blocks.Prepare();
            return true;
        });
    }
}
