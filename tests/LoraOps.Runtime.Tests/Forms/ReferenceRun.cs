using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>Runs ONNX Runtime over recorded inputs, with nothing of ours between.</summary>
internal static class ReferenceRun
{
    public static InferenceSession Open(string model)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, IntraOpNumThreads = 1 };
        return new InferenceSession(model, options);
    }

    /// <summary>The largest difference between a session's logits and recorded ones.</summary>
    public static float Distance(InferenceSession session, SafetensorsFile record, string expected, string? adapterFile) =>
        Largest(Run(session, record, adapterFile), record.Find(expected)!.ToFloats());

    /// <summary>The largest difference between two sessions' logits.</summary>
    public static float Distance(InferenceSession one, InferenceSession other, SafetensorsFile record) =>
        Largest(Run(one, record, null), Run(other, record, null));

    public static float[] Run(InferenceSession session, SafetensorsFile record, string? adapterFile)
    {
        var inputs = session.InputNames.Where(name => record.Find(name) is not null).ToDictionary(name => name, name => Value(record.Find(name)!));
        using var run = new RunOptions();
        using var adapter = adapterFile is null ? null : OrtLoraAdapter.Create(adapterFile, null);
        if (adapter is not null)
            run.AddActiveLoraAdapter(adapter);

        using var results = session.Run(run, inputs, ["logits"]);
        foreach (var input in inputs.Values)
            input.Dispose();

        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public static float Largest(float[] actual, float[] expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        return actual.Zip(expected, (x, y) => float.IsNaN(x) ? float.PositiveInfinity : Math.Abs(x - y)).Max();
    }

    public static OrtValue Value(Tensor tensor) => Value(tensor, tensor.Type);

    public static OrtValue Value(Tensor tensor, ElementType type)
    {
        long[] dims = [.. tensor.Shape.Dims];
        return type == ElementType.I64
            ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(tensor.ToFloats(), value => (long)value), dims)
            : OrtValue.CreateTensorValueFromMemory(tensor.ToFloats(), dims);
    }
}
