using System.Text;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Npy;

namespace LoraOps.Onnx.Tests.HandOff;

/// <summary>Quantizes a model with made-up ranges and hands it off into a folder of the test's own.</summary>
internal sealed class HandedOff : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public HandedOff(OnnxModel model, ChipProfile chip, SampleSet? samples = null)
    {
        Model = model;
        Chip = chip;
        Ranges = StaticQuantizer.TensorsToCalibrate(model, chip).Concat(HandOffs.TensorsWanted(model, chip))
            .Distinct().ToDictionary(tensor => tensor, RangeOf);
        Quantization = StaticQuantizer.Quantize(model, chip, Ranges);
        Commands = HandOffs.Write(
            new HandOffRequest
            {
                Chip = chip, Prepared = model, Quantization = Quantization, Ranges = Ranges, Model = "model.onnx", Samples = samples,
            },
            _folder.Path).Commands;
    }

    public OnnxModel Model { get; }

    public ChipProfile Chip { get; }

    public Dictionary<string, TensorRange> Ranges { get; }

    public Quantization Quantization { get; }

    public IReadOnlyList<string> Commands { get; }

    public string this[string name] => _folder[name];

    public IReadOnlyList<string> Files => [.. Directory.EnumerateFileSystemEntries(_folder.Path)
        .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    /// <summary>A profile like an embedded one that asks for these files.</summary>
    public static ChipProfile Asking(string like, params string[] handOff) =>
        ChipProfiles.Find(like) with { HandOff = handOff, Names = NamePolicy.Full, Rules = new Dictionary<string, Severity>() };

    /// <summary>Samples of an input, numbered so that each element is its own position.</summary>
    public static SampleSet Samples(TemporaryFolder folder, string input, params long[] dims)
    {
        var shape = new TensorShape(dims);
        var values = Enumerable.Range(0, (int)shape.ElementCount).Select(at => (float)at).ToArray();
        NpyOutput.Write(folder[input + ".npy"], ElementType.F32, shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return SampleSet.Open(folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    // Lopsided and different for each name.
    private static TensorRange RangeOf(string name)
    {
        var random = new Random(Encoding.UTF8.GetBytes(name).Aggregate(17, (sum, letter) => (sum * 31) + letter));
        return new TensorRange(-8 * random.NextSingle(), 0.01f + (3 * random.NextSingle()));
    }
}
