using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>The true class of each sample, or of each position of each sample.</summary>
internal sealed class Labels
{
    /// <summary>The tensor's name in a data file.</summary>
    public const string TensorName = "labels";

    /// <summary>A label that does not count.</summary>
    public const long NotScored = -100;

    private readonly Tensor _tensor;
    private readonly string _path;

    private Labels(Tensor tensor, string path)
    {
        _tensor = tensor;
        _path = path;
    }

    /// <summary>The labels of a file that was named for them.</summary>
    /// <exception cref="LoraOpsException">It holds none, they are no integers, or they are of other samples.</exception>
    public static Labels From(SampleSet data, SampleSet inputs)
    {
        var tensor = data.Find(TensorName) ?? throw new LoraOpsException(ParityProblems.LabelsMissing(data.Path));
        if (data.Count != inputs.Count)
            throw new LoraOpsException(ParityProblems.SampleCountsDiffer(data.Path, data.Count, inputs.Path, inputs.Count));

        if (data.IsRagged)
            throw new LoraOpsException(ParityProblems.LabelsInvalid(data.Path, "has samples of different sizes, and what fills them up would be scored"));

        return tensor.Type is ElementType.I64 or ElementType.I32 or ElementType.I16 or ElementType.I8 or ElementType.U8
            ? new Labels(tensor, data.Path)
            : throw new LoraOpsException(ParityProblems.LabelsInvalid(data.Path, $"is {tensor.Type.Name()}, not a signed integer type"));
    }

    /// <summary>True if an output of this rank has a row of classes for each label.</summary>
    public bool Fit(int outputRank) => outputRank == _tensor.Shape.Rank + 1;

    /// <summary>The label of a sample that has but one; null if it has several or its one is not scored.</summary>
    public int? Single(int sample)
    {
        if (_tensor.Shape.Rank != 1)
            return null;

        Span<float> value = stackalloc float[1];
        _tensor.ReadFloats(sample, value);
        return value[0] == NotScored ? null : (int)value[0];
    }

    /// <summary>The problem that no output fits.</summary>
    public LoraOpsException FitsNone() => new(ParityProblems.LabelsInvalid(
        _path, $"is {_tensor.Shape}, and no output has these axes and one of classes"));

    /// <summary>The labels of some samples, one for each row of the output.</summary>
    /// <param name="first">The first sample.</param>
    /// <param name="output">The output's shape for these samples, [samples, …, classes].</param>
    /// <exception cref="LoraOpsException">The axes differ, or a label is no class.</exception>
    public int[] Read(int first, TensorShape output)
    {
        if (!output.Dims[1..^1].SequenceEqual(_tensor.Shape.Dims[1..]))
            throw new LoraOpsException(ParityProblems.LabelsInvalid(_path, $"is {_tensor.Shape}, the output {output}"));

        // A class is far below 2^24, where a float32 still counts in ones.
        var values = new float[(int)(output[0] * _tensor.Shape.RowLength)];
        _tensor.ReadFloats(first * _tensor.Shape.RowLength, values);
        var wrong = Array.FindIndex(values, value => value != NotScored && (value < 0 || value >= output[-1]));
        return wrong < 0
            ? Array.ConvertAll(values, value => (int)value)
            : throw new LoraOpsException(ParityProblems.LabelsInvalid(
                _path, $"holds {values[wrong]:F0}; the output has the classes 0 to {output[-1] - 1}"));
    }
}
