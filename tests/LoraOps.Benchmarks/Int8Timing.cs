using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Auditing;
using LoraOps.Runtime.Quantizing;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Benchmarks;

/// <summary>
/// INT8 on this machine's CPU: a ViT-Base-shaped model in float, as LoraOps quantizes it for x64-vnni, and with pairs where
/// onnxruntime.quantization's quantize_static puts them when it is told MatMul, Gemm and Conv (U8S8, per channel: on every input and output of
/// these nodes, products of two activations included). Same ranges, same run, one and two threads; the float runs lie between.
/// </summary>
internal sealed class Int8Timing(string folder, TextWriter output) : IDisposable
{
    private const int Side = 224;
    private const int Calibrated = 8;
    private const int Tested = 8;
    private readonly RunOptions _plain = new();
    private readonly List<IDisposable> _held = [];

    public void Run(int rounds)
    {
        Directory.CreateDirectory(folder);
        var model = OnnxModel.FromProto(new VitModel(12, 768, 197).Build("vit.onnx").Proto, Path.Combine(folder, "vit.onnx"));
        model.Save(model.Path);
        var data = Samples(Path.Combine(folder, "calibration.safetensors"), Calibrated, 1);
        var own = ChipProfiles.Find("x64-vnni");
        string[] three = ["MatMul", "Gemm", "Conv"];
        var peers = own with
        {
            OutputOps = three,
            QuantizedOps = three,
            SameScaleOps = [],
            RemovableActivations = [],
            Rules = new Dictionary<string, Severity>(),
        };
        var models = new (string Name, OnnxModel Model)[]
        {
            ("float", model), ("LoraOps", Quantized(model, own, data)), ("MatMul+Gemm+Conv", Quantized(model, peers, data)),
        };
        Line($"ViT-Base shape, {Calibrated} calibration samples, {Environment.ProcessorCount} processors");
        foreach (var threads in (int[])[1, 2])
            Compare(threads, models, rounds);
    }

    /// <summary>Writes many samples for measuring the memory of calibration.</summary>
    public static void Write(string path, int count) => Samples(path, count, 1);

    public void Dispose()
    {
        _held.Reverse();
        _held.ForEach(held => held.Dispose());
        _plain.Dispose();
    }

    private void Compare(int threads, (string Name, OnnxModel Model)[] models, int rounds)
    {
        var image = Image(99);
        var runs = models.Select(one => Open(one.Model, threads)).ToList();
        var (times, speeds) = (models.Select(_ => new List<double>()).ToList(), models.Select(_ => new List<double>()).ToList());
        for (var round = 0; round <= rounds; round++)
        {
            for (var at = 1; at < runs.Count; at++)
            {
                var (before, own, after) = (Milliseconds(runs[0], image), Milliseconds(runs[at], image), Milliseconds(runs[0], image));
                if (round == 0)
                    continue;

                times[0].Add(Math.Min(before, after));
                times[at].Add(own);
                speeds[at].Add((before + after) / 2 / own);
            }
        }

        Line($"{threads} thread(s), {rounds} rounds: float median {Median(times[0]):f1} ms, least {times[0].Min():f1} ms");
        for (var at = 1; at < runs.Count; at++)
        {
            var (name, speed) = (models[at].Name, speeds[at].Order().ToList());
            var half = $"half between {speed[speed.Count / 4]:f2} and {speed[speed.Count * 3 / 4]:f2}";
            Line($"  {name,-18} {Median(times[at]):f1} ms, {Median(speed):f2} x float ({half}), SQNR {Sqnr(runs[0], runs[at]):f1} dB");
        }
    }

    private OnnxModel Quantized(OnnxModel model, ChipProfile chip, SampleSet data)
    {
        var begin = Stopwatch.GetTimestamp();
        var request = new QuantizationRequest { Chip = chip, Calibration = data };
        var quantization = QuantizationRun.Run(model, request, WorkStages.Silent, CancellationToken.None).Quantization;
        var fusion = FusionAudit.Count(quantization.Model);
        var kernels = string.Join(", ", fusion.Integer.Select(pair => $"{pair.Value} {pair.Key}"));
        Line($"  quantized in {Stopwatch.GetElapsedTime(begin).TotalSeconds:f1} s: {kernels}; {fusion.Quantize} Q, {fusion.Dequantize} DQ left");
        return quantization.Model;
    }

    private InferenceSession Open(OnnxModel model, int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var file = Path.Combine(folder, "opened.onnx");
        model.Save(file);
        var session = new InferenceSession(file, options);
        _held.Add(session);
        File.Delete(file);
        return session;
    }

    private double Milliseconds(InferenceSession session, Dictionary<string, OrtValue> image)
    {
        var begin = Stopwatch.GetTimestamp();
        using (session.Run(_plain, image, session.OutputNames))
            return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private double Sqnr(InferenceSession reference, InferenceSession candidate)
    {
        var (signal, noise) = (0.0, 0.0);
        for (var seed = 200; seed < 200 + Tested; seed++)
        {
            var image = Image(seed);
            using var wanted = reference.Run(_plain, image, reference.OutputNames);
            using var found = candidate.Run(_plain, image, candidate.OutputNames);
            var x = wanted[0].GetTensorDataAsSpan<float>();
            var y = found[0].GetTensorDataAsSpan<float>();
            for (var i = 0; i < x.Length; i++)
                (signal, noise) = (signal + ((double)x[i] * x[i]), noise + (((double)x[i] - y[i]) * ((double)x[i] - y[i])));
        }

        return 10 * Math.Log10(signal / noise);
    }

    private Dictionary<string, OrtValue> Image(int seed)
    {
        var value = OrtValue.CreateTensorValueFromMemory(Pixels(seed, 1), [1, 3, Side, Side]);
        _held.Add(value);
        return new Dictionary<string, OrtValue> { ["pixel_values"] = value };
    }

    private static SampleSet Samples(string path, int count, int seed)
    {
        var pixels = MemoryMarshal.AsBytes(Pixels(seed, count).AsSpan()).ToArray();
        File.Delete(path);
        SafetensorsWriter.Write(path, [new BufferTensor("pixel_values", ElementType.F32, new TensorShape([count, 3, Side, Side]), pixels)]);
        return SampleSet.Open(path);
    }

    // Blobs and noise: independent noise alone would give every patch the same statistics.
    private static float[] Pixels(int seed, int images)
    {
        var random = new Random(seed);
        var pixels = new float[images * 3 * Side * Side];
        for (var at = 0; at < pixels.Length; at += Side)
        {
            var (level, slope) = ((random.NextSingle() * 2) - 1, (random.NextSingle() - 0.5f) / Side);
            for (var i = 0; i < Side; i++)
                pixels[at + i] = level + (slope * i) + (0.3f * (random.NextSingle() - 0.5f));
        }

        return pixels;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
