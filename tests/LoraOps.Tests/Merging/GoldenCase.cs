using System.Runtime.InteropServices;
using System.Text.Json;
using LoraOps.Deltas;
using LoraOps.Merging;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>One folder of the merge goldens: made with PEFT, the truth in float64.</summary>
internal sealed class GoldenCase
{
    private readonly JsonElement _case;

    private GoldenCase(string folder)
    {
        Folder = folder;
        _case = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json"))).RootElement;
    }

    public string Folder { get; }

    public string Name => Path.GetFileName(Folder);

    public bool ExpectsMerge => _case.GetProperty("expects").GetString() == "merge";

    /// <summary>The peft_type in the first adapter's config; a file without a config is LoRA here.</summary>
    public string? ConfigType => File.Exists(FirstAdapter) ? "LORA" : JsonDocument.Parse(File.ReadAllText(Path.Combine(FirstAdapter, "adapter_config.json")))
        .RootElement.GetProperty("peft_type").GetString();

    /// <summary>What float32 may differ by, relative to the largest entry; rotations accumulate more.</summary>
    public double Limit => ConfigType is "OFT" or "BOFT" or "HRA" ? 4e-6 : 1e-6;

    /// <summary>PEFT's own result.</summary>
    public string MergedPath => Optional("merged.safetensors");

    /// <summary>What PEFT does in float64, where its arithmetic is not the formula; may be missing.</summary>
    public string TruthAsPeftPath => Optional("truth_as_peft.safetensors");

    /// <summary>True if the case is merged as PEFT does: its method is read, and PEFT can merge it.</summary>
    public bool MergesLikePeft => ExpectsMerge && File.Exists(MergedPath) && ConfigType is { } type && AdapterMethods.Of(type).Any();

    /// <summary>How far PEFT's float32 result is from the truth, relative to the largest entry; 0 where it is wrong on purpose.</summary>
    public double PeftError => !_case.TryGetProperty("peft_is_wrong", out _) &&
        _case.TryGetProperty("max_relative_error_of_peft", out var error) ? error.GetDouble() : 0;

    public string BasePath => Path.Combine(Folder, "base.safetensors");

    private string FirstAdapter => Path.Combine(Folder, _case.GetProperty("adapters")[0].GetString()!);

    public IEnumerable<string> Unchanged => Texts("unchanged");

    public IEnumerable<string> NewTensors => Texts("new_tensors");

    public MergeOptions Options => new()
    {
        ResidualBase = _case.TryGetProperty("options", out var options) &&
            options.TryGetProperty("residual_base", out var residual) && residual.GetBoolean(),
    };

    /// <summary>The truth that a merge which unties tied tensors must meet.</summary>
    public string TruthPath => Path.Combine(Folder, File.Exists(Path.Combine(Folder, "truth_untied.safetensors"))
        ? "truth_untied.safetensors"
        : "truth.safetensors");

    public static GoldenCase Of(string name) =>
        new(new[] { Fixtures.Path("merge", name), Path.Combine(Fixtures.Shared ?? "", "goldens", "merge", name) }.First(Directory.Exists));

    /// <summary>The cases of the repository, and all others where this checkout has them.</summary>
    public static IEnumerable<string> All() =>
        new[] { Fixtures.Path("merge"), Path.Combine(Fixtures.Shared ?? "", "goldens", "merge") }
            .Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories)
            .Select(folder => Path.GetFileName(folder))
            .Distinct()
            .Order(StringComparer.Ordinal);

    public MergePlan Plan(string output, MergeOptions? options = null) => MergePlan.Make(
        BasePath,
        [.. _case.GetProperty("adapters").EnumerateArray().Select(folder => new AdapterSource(Path.Combine(Folder, folder.GetString()!)))],
        output,
        options ?? Options);

    /// <summary>Compares a merged tensor with float64 values rounded once to its type; gives how many elements differ.</summary>
    public static int Differing(Tensor merged, ReadOnlySpan<double> truth, double limit = 1e-6)
    {
        var values = merged.ToFloats();
        Assert.Equal(values.Length, truth.Length);
        var largest = 0.0;
        foreach (var value in truth)
            largest = Math.Max(largest, Math.Abs(value));

        var differing = 0;
        for (var index = 0; index < values.Length; index++)
        {
            var (wanted, unit) = Rounded(truth[index], merged.Type);
            var error = Math.Abs(values[index] - wanted);
            Assert.True(
                error <= Math.Max(unit, limit * largest),
                $"{merged.Name}[{index}]: {values[index]:g9}, truth {truth[index]:g17}, largest {largest:g3}");
            differing += error > 0 && merged.Type != ElementType.F32 ? 1 : 0;
        }

        return differing;
    }

    public static double[] Doubles(Tensor tensor) => MemoryMarshal.Cast<byte, double>(tensor.ToBytes()).ToArray();

    // The nearest value of the type, ties to even, and one unit in the last place there; 0 for float32, where the limit counts.
    private static (double Value, double Unit) Rounded(double value, ElementType type)
    {
        if (type == ElementType.F32)
            return (value, 0);

        var (bits, smallest) = type == ElementType.F16 ? (11, -24) : (8, -133);
        var exponent = value == 0 ? smallest : Math.Max(Math.ILogB(value) - bits + 1, smallest);
        var unit = Math.ScaleB(1, exponent);
        return (Math.Round(value / unit, MidpointRounding.ToEven) * unit, unit);
    }

    // A file that the copy in the repository leaves out.
    private string Optional(string file) => new[] { Folder, Path.Combine(Fixtures.Shared ?? "", "goldens", "merge", Name) }
        .Select(folder => Path.Combine(folder, file)).OrderByDescending(File.Exists).First();

    private IEnumerable<string> Texts(string field) => _case.TryGetProperty(field, out var list)
        ? list.EnumerateArray().Select(item => item.GetString()!)
        : [];
}
