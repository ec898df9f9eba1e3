using LoraOps.Testing;
using Xunit.Abstractions;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>One export of a trained model and the adapters that can be put beside it.</summary>
public sealed class TrainedExport : IXunitSerializable
{
    private string _folder = "";
    private string _exporter = "";

    public TrainedExport()
    {
    }

    public TrainedExport(string folder, string exporter, IReadOnlyList<string> adapters)
    {
        _folder = folder;
        _exporter = exporter;
        Adapters = adapters;
    }

    public IReadOnlyList<string> Adapters { get; private set; } = [];

    public string Name => Path.GetFileName(_folder) + "/" + _exporter;

    public string Model => Path.Combine(_folder, "onnx", _exporter, "model.onnx");

    public string Checkpoint => Path.Combine(_folder, "hf");

    public string Adapter(string name) => Path.Combine(_folder, "adapters", name);

    public string Reference(string name) => Path.Combine(_folder, "reference", name + ".safetensors");

    public void Deserialize(IXunitSerializationInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        _folder = info.GetValue<string>(nameof(_folder));
        _exporter = info.GetValue<string>(nameof(_exporter));
        Adapters = info.GetValue<string[]>(nameof(Adapters));
    }

    public void Serialize(IXunitSerializationInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        info.AddValue(nameof(_folder), _folder);
        info.AddValue(nameof(_exporter), _exporter);
        info.AddValue(nameof(Adapters), Adapters.ToArray());
    }

    public override string ToString() => Name;
}

/// <summary>All exports of all trained models: those of ../shared where it is there, else the fixtures'.</summary>
public static class TrainedModels
{
    public static TheoryData<TrainedExport> Exports()
    {
        var data = new TheoryData<TrainedExport>();
        var root = Fixtures.Shared is { } shared ? Path.Combine(shared, "models") : Fixtures.Path();
        foreach (var folder in new[] { "bev-vit", "neck-cnn", "voice-gpt2", "planner-llama" }.Select(model => Path.Combine(root, model)))
        {
            var adapters = Names(Path.Combine(folder, "adapters")).ToList();
            foreach (var exporter in Names(Path.Combine(folder, "onnx")))
                data.Add(new TrainedExport(folder, exporter, adapters));
        }

        return data;
    }

    private static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateDirectories(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal);
}
