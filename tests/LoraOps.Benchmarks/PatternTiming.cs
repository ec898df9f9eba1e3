using System.Diagnostics;
using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Peft;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Benchmarks;

/// <summary>
/// The two patterns of the form switchable beside the base and beside one run for each sample, for several numbers of adapters and batch
/// shapes: eight square layers, rank 8, one thread. What <c>SwitchChoice</c> knows comes from here.
/// </summary>
internal sealed class PatternTiming(string folder, TextWriter output)
{
    private const int Width = 1024;
    private const int Layers = 8;
    private const int Rank = 8;
    private const int Rounds = 15;
    private readonly Random _random = new(1);

    public void Run()
    {
        Directory.CreateDirectory(folder);
        var model = Model();
        foreach (var count in new[] { 8, 32 })
        {
            var adapters = Enumerable.Range(1, count).Select(Adapter).ToList();
            output.WriteLine($"{count} adapters, {Layers} layers of {Width} x {Width}, rank {Rank}; median ms");
            output.WriteLine("  batch       base     mixed  gathered  one run a sample  chosen");
            foreach (var (samples, positions) in new[] { (1, 1), (8, 1), (8, 32), (1, 197), (8, 197) })
                Compare(model, adapters, samples, positions);
        }
    }

    private void Compare(OnnxModel model, List<WeightedAdapter> adapters, int samples, int positions)
    {
        // A shape for which each pattern is the cheaper one by far.
        var mixed = Switchable(model, adapters, 1_000_000, 1);
        var gathered = Switchable(model, adapters, 1, 1_000_000);
        var chosen = Switchable(model, adapters, samples, positions).Sites[0].Pattern.Split(':')[0];
        var inputs = InputsForm.Convert(model, adapters, new MappingOptions());
        using var plain = new RunOptions();
        using var city = OrtLoraAdapter.Create(OnnxAdapterFile.ToBytes(inputs.Adapters[0].Content), null);
        using var active = new RunOptions();
        active.AddActiveLoraAdapter(city);
        using var batch = Values(samples, positions);
        using var single = Values(1, positions);
        using var numbers = OrtValue.CreateTensorValueFromMemory(
            Enumerable.Range(0, samples).Select(row => 1L + (row % adapters.Count)).ToArray(), [samples]);
        var rows = new Dictionary<string, OrtValue> { ["x0"] = batch, ["adapter"] = numbers };
        using var sessions = new Sessions(folder, [model, mixed.Model, gathered.Model, inputs.Model]);
        var times = Medians(
            () => sessions.Run(0, plain, new() { ["x0"] = batch }),
            () => sessions.Run(1, plain, rows),
            () => sessions.Run(2, plain, rows),
            () =>
            {
                for (var sample = 0; sample < samples; sample++)
                    sessions.Run(3, active, new() { ["x0"] = single });
            });
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {$"{samples}x{positions}",-6}{times[0],10:f2}{times[1],10:f2}{times[2],10:f2}{times[3],18:f2}  {chosen}"));
    }

    private static Conversion Switchable(OnnxModel model, List<WeightedAdapter> adapters, long samples, long positions) =>
        SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Samples = samples, Positions = positions });

    private static double[] Medians(params Action[] runs)
    {
        var times = runs.Select(_ => new List<double>()).ToList();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (at, run) in runs.Index())
            {
                var begin = Stopwatch.GetTimestamp();
                run();
                times[at].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
        }

        return [.. times.Select(own => own.Order().ElementAt(Rounds / 2))];
    }

    private OnnxModel Model()
    {
        var graph = new GraphProto { Name = "layers", Input = { Port("x0") }, Output = { Port($"x{Layers}") } };
        for (var layer = 0; layer < Layers; layer++)
        {
            graph.Initializer.Add(OnnxTensor.Create($"model.layers.{layer}.fc.weight", [Width, Width], Numbers(Width * Width, 0.06f)));
            graph.Node.Add(new NodeProto
            {
                OpType = "MatMul",
                Name = $"/model/layers.{layer}/fc/MatMul",
                Input = { $"x{layer}", $"model.layers.{layer}.fc.weight" },
                Output = { $"x{layer + 1}" },
            });
        }

        var proto = new ModelProto { IrVersion = 8, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        return OnnxModel.FromProto(proto, Path.Combine(folder, "layers.onnx"));
    }

    private WeightedAdapter Adapter(int number)
    {
        var path = Path.Combine(folder, $"adapter-{number}");
        if (!Directory.Exists(path))
            BenchmarkAdapter.Write(path, "lora", (Layers, [("fc", Width, Width)]), Rank, number);

        return new WeightedAdapter(PeftReader.Read(path));
    }

    private OrtValue Values(int samples, int positions) =>
        OrtValue.CreateTensorValueFromMemory(Numbers(samples * positions * Width, 1), [samples, positions, Width]);

    private float[] Numbers(int count, float scale)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
            value = scale * (_random.NextSingle() - 0.5f);

        return values;
    }

    private static ValueInfoProto Port(string name)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "positions" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = Width });
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private sealed class Sessions : IDisposable
    {
        private readonly List<InferenceSession> _all = [];

        public Sessions(string folder, IReadOnlyList<OnnxModel> models)
        {
            foreach (var model in models)
            {
                using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
                var file = Path.Combine(folder, "opened.onnx");
                model.Save(file);
                _all.Add(new InferenceSession(file, options));
                File.Delete(file);
            }
        }

        public void Run(int session, RunOptions options, Dictionary<string, OrtValue> inputs) =>
            _all[session].Run(options, inputs, _all[session].OutputNames).Dispose();

        public void Dispose() => _all.ForEach(session => session.Dispose());
    }
}
