using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>The adapters inside of a switchable graph: which number a name is, and the input that chooses one for each sample.</summary>
/// <param name="model">The model's file.</param>
/// <param name="names">The adapters, of which the first is number 1.</param>
internal sealed class AdapterNumbers(string model, IReadOnlyList<string> names)
{
    /// <summary>The inputs that choose, whichever the graph has.</summary>
    public static IReadOnlyList<string> Inputs { get; } = [RowInput.Numbers, RowInput.Weights];

    /// <summary>What a number is called.</summary>
    public string NameOf(int number) => number == 0 ? AdapterManager.BaseId : names[number - 1];

    /// <summary>The number of an adapter by its name, or by that number itself; 0 is the base.</summary>
    /// <exception cref="LoraOpsException">There is none.</exception>
    public int Find(string adapter)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == adapter)
                return i + 1;
        }

        if (adapter == AdapterManager.BaseId)
            return 0;

        return int.TryParse(adapter, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= names.Count
            ? number
            : throw new LoraOpsException(AdapterChoiceProblems.Unknown(model, adapter, names.Count, NearMisses.Phrase(adapter, names)));
    }

    /// <summary>The samples with their adapters, as a number and as weights: 1 for it and 0 for the others.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="numbers">The adapter's number of each.</param>
    public SampleSet Choose(SampleSet samples, IReadOnlyList<int> numbers)
    {
        var chosen = numbers.Select(number => (long)number).ToArray();
        return samples
            .With(new BufferTensor(RowInput.Numbers, ElementType.I64, new TensorShape(numbers.Count), MemoryMarshal.AsBytes(chosen.AsSpan()).ToArray()))
            .With(new OneWeight(numbers, names.Count));
    }

    // The list of names is a stranger's: what it would take is worked out, not stored.
    private sealed class OneWeight(IReadOnlyList<int> numbers, int count) : ComputedTensor(RowInput.Weights, new TensorShape(numbers.Count, count))
    {
        protected override void Compute(long first, Span<float> values)
        {
            for (var i = 0; i < values.Length; i++)
                values[i] = numbers[(int)((first + i) / count)] == ((first + i) % count) + 1 ? 1 : 0;
        }
    }
}
