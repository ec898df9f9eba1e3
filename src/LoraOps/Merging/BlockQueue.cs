using System.Runtime.ExceptionServices;

namespace LoraOps.Merging;

/// <summary>A piece of work: a block of a tensor, or a whole file that the system copies.</summary>
/// <param name="Tensor">The tensor, or null for a copy.</param>
/// <param name="Index">The block.</param>
/// <param name="Copy">The copy, which gives its bytes, or null.</param>
internal sealed record Job(ShardTensor? Tensor, long Index, Func<long>? Copy);

/// <summary>The work of one output file, in its order.</summary>
/// <param name="jobs">Its pieces; taken from as it goes, so that the file is opened when it is due.</param>
internal sealed class Lane(IEnumerable<Job> jobs)
{
    private readonly IEnumerator<Job> _jobs = jobs.GetEnumerator();
    private Job? _next;

    /// <summary>The next piece, left where it is; null at the end.</summary>
    public Job? Peek() => _next ??= _jobs.MoveNext() ? _jobs.Current : null;

    /// <summary>Takes the piece that was seen.</summary>
    public void Take() => _next = null;
}

/// <summary>
/// Hands out the work. Each worker keeps to a file of its own as long as there are enough: the system lets only one thread
/// write to a file at a time. A tensor whose factors do not fit beside those that are in use waits until the others are done,
/// and its worker helps with them.
/// </summary>
/// <param name="lanes">The files.</param>
/// <param name="budget">The memory of prepared factors.</param>
internal sealed class BlockQueue(IEnumerable<Lane> lanes, long budget)
{
    private readonly object _gate = new();
    private readonly Queue<Lane> _waiting = new(lanes);
    private readonly List<Lane> _open = [];
    private readonly Dictionary<ShardTensor, TensorState> _tensors = [];
    private long _inUse;
    private bool _isStopped;

    /// <summary>The first failure, which stopped the work; null if there was none.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>The next piece, prepared; null if there is none or the work was stopped.</summary>
    /// <param name="own">The file that the worker keeps to; changes when it is through.</param>
    public Job? Take(ref Lane? own)
    {
        Job? job;
        Lazy<bool>? prepared = null;
        lock (_gate)
        {
            while ((job = Find(ref own)) is null && !_isStopped && _open.Count > 0)
                Monitor.Wait(_gate);

            if (_isStopped || job is null)
                return null;

            if (job.Tensor is { } tensor)
                prepared = _tensors[tensor].Prepared;
        }

        // Outside the lock: whoever comes first prepares, others with a block of the same tensor wait for that.
        _ = prepared?.Value;
        return job;
    }

    /// <summary>A block is done; the last one of a tensor gives its memory back.</summary>
    public void Done(ShardTensor tensor)
    {
        lock (_gate)
        {
            if (--_tensors[tensor].BlocksLeft > 0)
                return;

            _tensors.Remove(tensor);
            tensor.Blocks.Release();
            _inUse -= tensor.Blocks.PreparedBytes;
            Monitor.PulseAll(_gate);
        }
    }

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

    // From the worker's own file, else a new one, else from any that is open; null if all must wait or all is done.
    private Job? Find(ref Lane? own)
    {
        if (own is null && _waiting.TryDequeue(out own))
            _open.Add(own);

        var mine = own;
        foreach (var lane in _open.OrderBy(lane => lane == mine ? 0 : 1).ToList())
        {
            if (lane.Peek() is not { } job)
            {
                _open.Remove(lane);
                own = lane == own ? null : own;
                return Find(ref own);
            }

            if (job.Tensor is null || CanEnter(job.Tensor))
            {
                lane.Take();
                return job;
            }
        }

        return null;
    }

    private bool CanEnter(ShardTensor tensor)
    {
        if (_tensors.ContainsKey(tensor))
            return true;

        if (_inUse > 0 && _inUse + tensor.Blocks.PreparedBytes > budget)
            return false;

        _inUse += tensor.Blocks.PreparedBytes;
        _tensors[tensor] = new TensorState(tensor.Blocks);
        return true;
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
