using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Samples that go through the model together.</summary>
/// <param name="Data">Where they are; all of its samples have one shape.</param>
/// <param name="First">The first.</param>
/// <param name="Count">How many.</param>
internal readonly record struct SampleRun(SampleSet Data, int First, int Count)
{
    private const int Most = 16;
    private const long WeightPerRun = 1 << 17;

    // A token stands for a vector.
    private const long WeightOfNumber = 4;
    private const long WeightOfToken = 256;

    /// <summary>
    /// Cuts data into runs. Their sizes depend on the shapes of the inputs alone, so that whoever measures other tensors of the model on the same
    /// data, or with more threads, computes the same numbers.
    /// </summary>
    /// <param name="session">The model; the data fit it.</param>
    /// <param name="data">All samples.</param>
    /// <param name="oneByOne">True for one sample each where the model leaves the number free.</param>
    public static IReadOnlyList<SampleRun> Cut(OnnxSession session, SampleSet data, bool oneByOne)
    {
        var runs = new List<SampleRun>();
        foreach (var group in data.Groups)
        {
            var size = session.FixedBatch ?? (oneByOne ? 1 : (int)Math.Clamp(WeightPerRun / Math.Max(1, Weight(session, group)), 1, Most));
            foreach (var (first, count) in Batches.Of(0, group.Count, size))
                runs.Add(new SampleRun(group, first, count));
        }

        return runs;
    }

    private static long Weight(OnnxSession session, SampleSet group) => session.Inputs
        .Select(input => group.Find(input.Name))
        .OfType<Tensor>()
        .Sum(tensor => tensor.Shape.RowLength * (tensor.Type.IsFloat() ? WeightOfNumber : WeightOfToken));
}
