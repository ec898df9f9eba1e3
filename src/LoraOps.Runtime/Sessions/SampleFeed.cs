using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>Some samples as the inputs of one run.</summary>
internal sealed class SampleFeed : IDisposable
{
    private readonly Dictionary<string, OrtValue> _values = new(StringComparer.Ordinal);

    private SampleFeed(int count, int batch)
    {
        Count = count;
        Batch = batch;
    }

    /// <summary>The samples that are real.</summary>
    public int Count { get; }

    /// <summary>The samples that are fed: a model with a fixed batch gets the last one again and again.</summary>
    public int Batch { get; }

    public IReadOnlyDictionary<string, OrtValue> Values => _values;

    /// <summary>Everything about the data that the inputs do not take, seen without reading an element.</summary>
    public static IReadOnlyList<Problem> Check(string model, IReadOnlyList<Port> inputs, SampleSet data)
    {
        var problems = new List<Problem>();
        foreach (var input in inputs)
        {
            if (data.Find(input.Name) is not { } tensor)
                problems.Add(RunProblems.InputMissing(data.Path, model, input.Name, NearMisses.Phrase(input.Name, data.Tensors.Keys)));
            else if (!input.Takes(tensor.Shape))
                problems.Add(RunProblems.InputShapeMismatch(data.Path, input.Name, tensor.Shape.ToString(), $"[{string.Join(", ", input.Dims)}]"));
        }

        return problems;
    }

    /// <summary>Reads samples; <see cref="Check"/> has passed.</summary>
    /// <exception cref="LoraOpsException">The values do not fit the model's element type.</exception>
    public static SampleFeed Read(IReadOnlyList<Port> inputs, SampleSet data, int first, int count)
    {
        var batch = inputs.Select(input => input.Batch).FirstOrDefault(size => size is not null) ?? count;
        var feed = new SampleFeed(count, batch);
        try
        {
            foreach (var input in inputs)
                feed._values.Add(input.Name, ReadInput(input, data, first, feed));

            return feed;
        }
        catch
        {
            feed.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var value in _values.Values)
            value.Dispose();
    }

    private static OrtValue ReadInput(Port input, SampleSet data, int first, SampleFeed feed)
    {
        var tensor = data.Find(input.Name) ?? throw new InvalidOperationException($"Nobody checked that there is '{input.Name}'.");
        var row = tensor.Shape.RowLength;
        if (row * feed.Batch > int.MaxValue / sizeof(double))
        {
            throw new LoraOpsException(RunProblems.InputShapeMismatch(
                data.Path, input.Name, tensor.Shape.ToString(), $"{feed.Batch} samples a run, which would be more than 2 GiB"));
        }

        var value = OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance, RuntimeTypes.To(input.Type), [feed.Batch, .. tensor.Shape.Dims[1..]]);
        var size = checked((int)(row * (input.Type.Bits() / 8)));
        var bytes = value.GetTensorMutableRawData();
        var elements = checked((int)(feed.Count * row));
        if (!LosslessCopy.TryCopy(tensor, first * row, elements, input.Type, bytes[..(feed.Count * size)]))
        {
            value.Dispose();
            throw new LoraOpsException(RunProblems.InputTypeMismatch(data.Path, input.Name, tensor.Type.ToString(), input.Type.ToString()));
        }

        for (var i = feed.Count; i < feed.Batch; i++)
            bytes.Slice((feed.Count - 1) * size, size).CopyTo(bytes[(i * size)..]);

        return value;
    }
}
