using System.Diagnostics;
using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Peft;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Benchmarks;

/// <summary>
/// What each form costs beside the base: a ViT-Base-shaped model with eight adapters of rank 8 on q and v, one thread. Every run of a form
/// lies between two runs of the base, and the ratio to those two counts: the machine is shared.
/// </summary>
internal sealed class FormsTiming(string folder, TextWriter output) : IDisposable
{
    private const int Rank = 8;
    private const int Cities = 8;
    private const int Blocks = 12;
    private const int Width = 768;
    private const int Tokens = 197;
    private readonly RunOptions _plain = new();
    private readonly List<IDisposable> _held = [];

    public void Run(int rounds)
    {
        Directory.CreateDirectory(folder);
        var model = OnnxModel.FromProto(new VitModel(Blocks, Width, Tokens).Build("vit.onnx").Proto, Path.Combine(folder, "vit.onnx"));
        var adapters = Enumerable.Range(1, Cities).Select(Adapter).ToList();
        Line($"ViT-Base shape: {Blocks} blocks, {Width} wide, {Tokens} tokens; {Cities} adapters, rank {Rank} on q and v; one thread");
        var one = Image(1);
        var runs = new List<(string Name, Func<double> Once)>
        {
            ("base once more", Timed(Open("base", model), one, _plain)),
            ("merged", Timed(Open("merged", MergedForm.Convert(model, adapters[..1], new MappingOptions()).Model), one, _plain)),
        };
        var first = Timed(Open("base again", model), one, _plain);
        var inputs = Inputs(model, adapters, runs, one);
        var switchable = Open("switchable", SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Positions = Tokens }).Model);
        runs.Add(("switchable, base", Timed(switchable, With(one, "adapter", Numbers(0)), _plain)));
        runs.Add(("switchable, one city", Timed(switchable, With(one, "adapter", Numbers(3)), _plain)));
        var blend = Open("blend", SwitchableForm.Convert(model, adapters, new MappingOptions(), new FormOptions { Blends = true }).Model);
        runs.Add(("blend, two cities", Timed(blend, With(one, "adapter_weights", Weights()), _plain)));
        Compare("one image", first, runs, rounds);
        Mixed(model, switchable, inputs, Math.Max(3, rounds / 5));
    }

    public void Dispose()
    {
        _held.Reverse();
        _held.ForEach(held => held.Dispose());
        _plain.Dispose();
    }

    private (InferenceSession Session, List<RunOptions> Cities) Inputs(
        OnnxModel model, List<WeightedAdapter> adapters, List<(string Name, Func<double> Once)> runs, Dictionary<string, OrtValue> one)
    {
        var conversion = InputsForm.Convert(model, adapters, new MappingOptions());
        conversion.Model.Save(Path.Combine(folder, "inputs.onnx"));
        var session = Open("inputs", conversion.Model);
        var cities = conversion.Adapters.Select(Activate).ToList();
        runs.Add(("inputs, idle", Timed(session, one, _plain)));
        runs.Add(("inputs, active", Timed(session, one, cities[0])));
        var always = Open("inputs, plain nodes", InputsForm.Convert(
            model, adapters, new MappingOptions(), new FormOptions { Branch = Onnx.Branches.BranchRule.Always }).Model);
        runs.Add(("inputs, plain nodes, idle", Timed(always, one, _plain)));
        runs.Add(("inputs, plain nodes, active", Timed(always, one, cities[0])));
        return (session, cities);
    }

    private void Mixed(OnnxModel model, InferenceSession switchable, (InferenceSession Session, List<RunOptions> Cities) inputs, int rounds)
    {
        var (one, eight) = (Image(1), Image(Cities));
        var singles = inputs.Cities.Select(city => Timed(inputs.Session, one, city)).ToList();
        var all = Numbers([.. Enumerable.Range(1, Cities).Select(city => (long)city)]);
        Compare("eight images", Timed(Open("base at 8", model), eight, _plain),
        [
            ("switchable, 8 cities in a batch", Timed(switchable, With(eight, "adapter", all), _plain)),
            ("inputs, 8 runs of one city each", () => singles.Sum(once => once())),
        ],
        rounds);
    }

    private void Compare(string title, Func<double> reference, List<(string Name, Func<double> Once)> runs, int rounds)
    {
        var ratios = runs.Select(_ => new List<double>()).ToList();
        var references = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (at, run) in runs.Index())
            {
                var (before, own, after) = (reference(), run.Once(), reference());
                if (round == 0)
                    continue;

                references.Add(Math.Min(before, after));
                ratios[at].Add(2 * own / (before + after));
            }
        }

        references.Sort();
        Line($"{title}: base median {references[references.Count / 2]:f1} ms, least {references[0]:f1} ms, {rounds} rounds");
        foreach (var (at, run) in runs.Index())
        {
            ratios[at].Sort();
            var (low, middle, high) = (Quantile(ratios[at], 0.25), Quantile(ratios[at], 0.5), Quantile(ratios[at], 0.75));
            Line($"  {run.Name,-32} {middle:f3} of the base (half between {low:f3} and {high:f3})");
        }
    }

    private static double Quantile(List<double> sorted, double part) => sorted[(int)(part * (sorted.Count - 1))];

    private WeightedAdapter Adapter(int number)
    {
        var path = Path.Combine(folder, $"city-{number}");
        if (!Directory.Exists(path))
            BenchmarkAdapter.Write(path, "lora", (Blocks, VitModel.QueryAndValue(Width)), Rank, number);

        return new WeightedAdapter(PeftReader.Read(path));
    }

    private RunOptions Activate(NamedAdapter adapter)
    {
        var file = Path.Combine(folder, adapter.Name + OnnxAdapterFile.Extension);
        File.Delete(file);
        OnnxAdapterFile.Write(file, adapter.Content);
        var (loaded, run) = (OrtLoraAdapter.Create(file, null), new RunOptions());
        run.AddActiveLoraAdapter(loaded);
        _held.Add(loaded);
        _held.Add(run);
        return run;
    }

    private InferenceSession Open(string name, OnnxModel model)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var file = Path.Combine(folder, "opened.onnx");
        model.Save(file);
        var begin = Stopwatch.GetTimestamp();
        var session = new InferenceSession(file, options);
        Line($"  {name,-32} {new FileInfo(file).Length / 1e6:f1} MB, opened in {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:f0} ms");
        _held.Add(session);
        File.Delete(file);
        return session;
    }

    private static Func<double> Timed(InferenceSession session, Dictionary<string, OrtValue> inputs, RunOptions options) => () =>
    {
        var begin = Stopwatch.GetTimestamp();
        using (session.Run(options, inputs, session.OutputNames))
            return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    };

    private Dictionary<string, OrtValue> Image(int images)
    {
        var random = new Random(3);
        var pixels = new float[images * 3 * 224 * 224];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = random.NextSingle() - 0.5f;

        return With([], "pixel_values", OrtValue.CreateTensorValueFromMemory(pixels, [images, 3, 224, 224]));
    }

    private static OrtValue Numbers(params long[] numbers) => OrtValue.CreateTensorValueFromMemory(numbers, [numbers.Length]);

    private static OrtValue Weights()
    {
        var weights = new float[Cities];
        (weights[1], weights[4]) = (0.7f, 0.3f);
        return OrtValue.CreateTensorValueFromMemory(weights, [1, Cities]);
    }

    private Dictionary<string, OrtValue> With(Dictionary<string, OrtValue> inputs, string name, OrtValue value)
    {
        _held.Add(value);
        return new Dictionary<string, OrtValue>(inputs) { [name] = value };
    }

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
