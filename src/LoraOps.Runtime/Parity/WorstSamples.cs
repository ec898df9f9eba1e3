namespace LoraOps.Runtime.Parity;

/// <summary>Keeps the few samples with the smallest cosine of all that are shown; of equals the first.</summary>
/// <param name="output">The output.</param>
internal sealed class WorstSamples(string output)
{
    private const int Most = 10;
    private readonly List<WorstSample> _samples = [];

    /// <summary>What the samples of now are called.</summary>
    public string Domain { get; set; } = "";

    /// <summary>The label of a sample of now, or null.</summary>
    public Func<int, int?> LabelOf { get; set; } = _ => null;

    /// <summary>The worst first.</summary>
    public IReadOnlyList<WorstSample> Result => _samples;

    /// <summary>True if a sample of this cosine belongs to them.</summary>
    public bool Wants(double cosine) => _samples.Count < Most || Rank(cosine) < Rank(_samples[^1].Cosine);

    /// <summary>Takes a sample in.</summary>
    public void Add(int index, double cosine, int? candidate, int? reference)
    {
        var sample = new WorstSample(index, cosine)
        {
            Output = output,
            Domain = Domain,
            Label = LabelOf(index),
            Candidate = candidate,
            Reference = reference,
        };
        var at = _samples.FindIndex(other => Rank(cosine) < Rank(other.Cosine));
        _samples.Insert(at < 0 ? _samples.Count : at, sample);
        if (_samples.Count > Most)
            _samples.RemoveAt(Most);
    }

    // What is no number is worse than every number.
    private static double Rank(double cosine) => double.IsNaN(cosine) ? double.NegativeInfinity : cosine;
}
