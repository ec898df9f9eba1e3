using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;
using LoraOps.Testing;
using LoraOps.Transforms;

namespace LoraOps.Tests.Mixing;

/// <summary>A mixing case of the golden data: from <c>../shared</c> where it is there, else from the fixtures.</summary>
internal sealed class GoldenMixCase : IDisposable
{
    private readonly JsonDocument _recipe;
    private readonly JsonDocument _case;
    private readonly SafetensorsFile _base;

    private GoldenMixCase(string folder)
    {
        Folder = folder;
        _recipe = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "recipe.json")));
        _case = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        _base = SafetensorsFile.Open(Path.Combine(folder, "base.safetensors"));
        Adapters = [.. _recipe.RootElement.GetProperty("adapters").EnumerateArray().Select(entry => new WeightedAdapter(
            PeftReader.Read(Path.Combine(folder, entry.GetProperty("path").GetString()!)), entry.GetProperty("weight").GetDouble()))];
        Settings = _recipe.RootElement.EnumerateObject().Where(entry => entry.Name is not ("method" or "adapters"))
            .Aggregate(new MixSettings(), (settings, entry) => MixParameters.Find(entry.Name)!.Apply(settings, entry.Value.ToString().ToLowerInvariant())!);
    }

    public string Folder { get; }

    public string Method => _recipe.RootElement.GetProperty("method").GetString()!;

    public IReadOnlyList<WeightedAdapter> Adapters { get; }

    public MixSettings Settings { get; }

    /// <summary>The modules that adapters change by a delta, with every owner's true delta.</summary>
    public IEnumerable<MixModule> Modules() =>
        from module in Adapters.SelectMany(source => source.Adapter.Modules)
            .Where(module => module.Delta.Parameter == "weight").Select(module => module.Name).Distinct()
        let shares = Adapters.SelectMany((source, position) => source.Adapter.Modules
            .Where(own => own.Name == module && own.Delta.Parameter == "weight")
            .Select(own => new MixShare(position, source.Weight, DeltaMatrices.Of(own.Delta, Base(module, own.Delta)))))
        select new MixModule(module, [.. shares], [.. Adapters.Select(source => source.Weight)]);

    /// <summary>The truth of a module's weight in canonical orientation.</summary>
    public double[] Truth(ModuleName module) => Canonical(module, Doubles("truth.safetensors", module.Parameter("weight")));

    /// <summary>Every changed parameter and its truth, weights in canonical orientation.</summary>
    public IEnumerable<(string Parameter, double[] Truth)> Truths()
    {
        using var truth = SafetensorsFile.Open(Path.Combine(Folder, "truth.safetensors"));
        foreach (var tensor in truth.Tensors)
        {
            var module = new ModuleName(tensor.Name[..tensor.Name.LastIndexOf('.')]);
            var values = Doubles("truth.safetensors", tensor.Name);
            yield return (tensor.Name, tensor.Name.EndsWith(".weight", StringComparison.Ordinal) ? Canonical(module, values) : values);
        }
    }

    /// <summary>The base's own values of a parameter.</summary>
    public float[] Stored(string parameter) => _base.Find(parameter)!.ToFloats();

    /// <summary>The case as a mix into a folder.</summary>
    public MixRequest Request(string output) => new()
    {
        Adapters = Adapters,
        Method = MixMethods.Find(Method)!,
        Settings = Settings,
        Output = output,
        Base = Path.Combine(Folder, "base.safetensors"),
    };

    /// <summary>The spectrum of a module's weight before truncation, largest first.</summary>
    public double[] SingularValues(ModuleName module) => Doubles("singular_values.safetensors", module.Parameter("weight"));

    /// <summary>The names of all cases that are here.</summary>
    public static IEnumerable<string> All() =>
        from folder in new[] { Fixtures.Path("mix"), Fixtures.Shared is { } shared ? Path.Combine(shared, "goldens", "mix") : null }
        where Directory.Exists(folder)
        from name in Directory.EnumerateDirectories(folder!)
        where File.Exists(Path.Combine(name, "recipe.json"))
        select Path.GetFileName(name) into name
        group name by name into names
        orderby names.Key
        select names.Key;

    public static GoldenMixCase Of(string name) => new(FolderOf(name));

    public static string FolderOf(string name) =>
        Directory.Exists(Fixtures.Path("mix", name)) ? Fixtures.Path("mix", name) : Path.Combine(Fixtures.Shared!, "goldens", "mix", name);

    public static string MethodOf(string name) => OfRecipe(name, recipe => recipe.GetProperty("method").GetString()!);

    /// <summary>True if the truth is the method's result cut to a rank.</summary>
    public static bool IsTruncated(string name) => OfRecipe(name, recipe => recipe.TryGetProperty("rank", out _));

    public void Dispose()
    {
        _recipe.Dispose();
        _case.Dispose();
        _base.Dispose();
    }

    private static T OfRecipe<T>(string name, Func<JsonElement, T> read)
    {
        using var recipe = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FolderOf(name), "recipe.json")));
        return read(recipe.RootElement);
    }

    private TargetWeight? Base(ModuleName module, Delta delta) => delta is not DoraDelta || _base.Find(module.Parameter("weight")) is not { } tensor
        ? null
        : TargetWeight.Of(delta.WeightShape!, tensor.ToFloats());

    private double[] Doubles(string file, string name)
    {
        using var opened = SafetensorsFile.Open(Path.Combine(Folder, file));
        var bytes = opened.Find(name)!.ToBytes();
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes).ToArray();
    }

    private double[] Canonical(ModuleName module, double[] values)
    {
        var entry = _case.RootElement.GetProperty("modules").EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == module.Value);
        if (entry.GetProperty("kind").GetString() is not ("hfconv1d" or "embedding"))
            return values;

        var (rows, columns) = (entry.GetProperty("canonical_shape")[0].GetInt32(), entry.GetProperty("canonical_shape")[1].GetInt32());
        return [.. Enumerable.Range(0, values.Length).Select(at => values[((at % columns) * rows) + (at / columns)])];
    }
}
