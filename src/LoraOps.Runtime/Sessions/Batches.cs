namespace LoraOps.Runtime.Sessions;

/// <summary>
/// Cuts samples into runs. Where the model leaves the number free, the first run takes one sample and tells how large
/// its outputs are; the runs after it are as large as the memory bound allows. The sizes depend on nothing else, so the
/// same model and data always make the same runs.
/// </summary>
/// <param name="samples">How many there are.</param>
/// <param name="fixedSize">The number that one run takes, or null if it is free.</param>
internal sealed class Batches(int samples, int? fixedSize)
{
    private const int Most = 32;
    private const long BytesPerRun = 1 << 27;
    private int _size = fixedSize ?? 1;
    private long _bytes;

    /// <summary>The runs in order; report what each gave before asking for the next.</summary>
    public IEnumerable<(int First, int Count)> Runs()
    {
        for (var at = 0; at < samples;)
        {
            var count = Math.Min(_size, samples - at);
            yield return (at, count);
            at += count;
            if (fixedSize is null && at == count)
                _size = (int)Math.Clamp(BytesPerRun / Math.Max(1, _bytes), 1, Most);
        }
    }

    /// <summary>Tells the size of one output.</summary>
    public void Saw(long elements) => _bytes += elements * sizeof(float);

    /// <summary>Runs of at most <paramref name="size"/> samples, in order.</summary>
    public static IEnumerable<(int First, int Count)> Of(int first, int count, int size)
    {
        for (var at = 0; at < count; at += size)
            yield return (first + at, Math.Min(size, count - at));
    }
}
