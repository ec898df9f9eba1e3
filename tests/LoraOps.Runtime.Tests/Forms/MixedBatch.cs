using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>Recorded samples of the base and of every adapter, one of each in turn, with the logits that PyTorch recorded for each.</summary>
internal sealed class MixedBatch : IDisposable
{
    private const int MostRounds = 3;
    private readonly List<SafetensorsFile> _records;
    private readonly List<(int Record, int Sample)> _rows;

    private MixedBatch(List<SafetensorsFile> records)
    {
        _records = records;

        // The fixtures keep fewer samples than the golden data.
        var rounds = Math.Min(MostRounds, (int)records.Min(record => record.Find("logits")!.Shape[0]));
        _rows = [.. Enumerable.Range(0, rounds).SelectMany(sample => Enumerable.Range(0, records.Count).Select(record => (record, sample)))];
        Expected = [.. _rows.SelectMany(row => Row(records[row.Record].Find("logits")!, row.Sample, null))];
    }

    /// <summary>What PyTorch gave for the rows.</summary>
    public float[] Expected { get; }

    public static MixedBatch Of(TrainedExport export) =>
        new([.. export.Adapters.Prepend("base").Select(name => SafetensorsFile.Open(export.Reference(name)))]);

    public static OrtValue Numbers(IReadOnlyList<long> rows) => OrtValue.CreateTensorValueFromMemory(rows.ToArray(), [rows.Count]);

    public static OrtValue OneHot(IReadOnlyList<long> rows, int adapters)
    {
        var weights = new float[rows.Count * adapters];
        for (var row = 0; row < rows.Count; row++)
        {
            if (rows[row] > 0)
                weights[(row * adapters) + rows[row] - 1] = 1;
        }

        return OrtValue.CreateTensorValueFromMemory(weights, [rows.Count, adapters]);
    }

    public float[] Run(InferenceSession session, Func<IReadOnlyList<long>, (string Name, OrtValue Value)>? chosen) => Run(session, _rows, chosen);

    public float[] RunSeparately(InferenceSession session, Func<long, (string Name, OrtValue Value)> chosen) =>
        [.. _rows.SelectMany(row => Run(session, [row], rows => chosen(rows[0])))];

    public void Dispose() => _records.ForEach(record => record.Dispose());

    private float[] Run(
        InferenceSession session, List<(int Record, int Sample)> rows, Func<IReadOnlyList<long>, (string Name, OrtValue Value)>? chosen)
    {
        var inputs = session.InputNames.Where(name => _records[0].Find(name) is not null).ToDictionary(name => name, name => Input(name, rows));
        if (chosen is not null)
        {
            var (name, value) = chosen([.. rows.Select(row => (long)row.Record)]);
            inputs.Add(name, value);
        }

        try
        {
            using var run = new RunOptions();
            using var results = session.Run(run, inputs, ["logits"]);
            return Recorded(results[0].GetTensorDataAsSpan<float>().ToArray(), rows);
        }
        finally
        {
            foreach (var input in inputs.Values)
                input.Dispose();
        }
    }

    // Sequences of other lengths are padded on the right, as the models were trained; what comes out there is nobody's.
    private OrtValue Input(string name, List<(int Record, int Sample)> rows)
    {
        var longest = _records.Select(record => record.Find(name)!).MaxBy(tensor => tensor.Shape.RowLength)!;
        float[] values = [.. rows.SelectMany(row => Row(_records[row.Record].Find(name)!, row.Sample, longest))];
        var shape = new TensorShape([rows.Count, .. longest.Shape.Dims[1..]]);
        return ReferenceRun.Value(BufferTensor.FromFloats(name, ElementType.F32, shape, values), longest.Type);
    }

    private float[] Recorded(float[] values, List<(int Record, int Sample)> rows)
    {
        var row = values.Length / rows.Count;
        return [.. rows.Index().SelectMany(pair =>
            values.AsSpan(pair.Index * row, (int)_records[pair.Item.Record].Find("logits")!.Shape.RowLength).ToArray())];
    }

    private static float[] Row(Tensor tensor, int sample, Tensor? longest)
    {
        var row = (int)tensor.Shape.RowLength;
        var values = tensor.ToFloats()[(sample * row)..((sample + 1) * row)];
        Array.Resize(ref values, (int)(longest?.Shape.RowLength ?? row));
        return values;
    }
}
