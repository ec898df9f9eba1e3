using System.Text;
using System.Text.Json;
using LoraOps.Testing;

namespace LoraOps.Fuzz;

/// <summary>The sound (and hostile) inputs that mutation begins with: the fixtures, and the golden data where this checkout has it.</summary>
public static class Corpus
{
    private const long LargestFile = 1 << 18;
    private const long LargestInput = 1 << 20;

    /// <summary>Every input, in an order that only the files decide.</summary>
    public static IReadOnlyList<FuzzInput> Load(bool usesShared)
    {
        List<string> roots = [Fixtures.Path()];
        if (usesShared && Fixtures.Shared is { } shared)
            roots.Add(Path.Combine(shared, "goldens"));

        return [.. roots.SelectMany(Of).Concat(Arrays()).Where(input => input.Files.Count > 0 && input.Size <= LargestInput)];
    }

    private static IEnumerable<FuzzInput> Of(string root)
    {
        var files = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        foreach (var file in files.Where(file => new FileInfo(file).Length <= LargestFile))
        {
            var folder = Path.GetDirectoryName(file)!;
            var name = Path.GetFileName(file);
            if (name == "adapter_config.json" && IsSmall(folder))
                yield return FuzzInput.Of(Targets.Adapter, folder);
            else if (name.EndsWith(".safetensors.index.json", StringComparison.Ordinal) && IsSmall(folder))
                yield return FuzzInput.Of(Targets.Checkpoint, folder);
            else if (name == "case.json" && IsSmall(folder) && MergeOf(folder) is { } merge)
                yield return merge;
            else if (name.EndsWith(".safetensors", StringComparison.Ordinal))
                yield return One(Targets.Safetensors, file);
            else if (name.EndsWith(".onnx_adapter", StringComparison.Ordinal))
                yield return One(Targets.OnnxAdapter, file);
            else if (name.EndsWith(".npy", StringComparison.Ordinal))
                yield return One(Targets.Array, file);
            else if (name.EndsWith(".bin", StringComparison.Ordinal))
                yield return Pickled(file);
        }
    }

    private static bool IsSmall(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) <= LargestInput;

    private static FuzzInput One(string target, string file) => new(target, [(Path.GetFileName(file), File.ReadAllBytes(file))]);

    // Any pickle as the weights of an adapter.
    private static FuzzInput Pickled(string file) => new(Targets.Adapter,
    [
        ("adapter_config.json", Encoding.UTF8.GetBytes("""{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "modules_to_save": ["a", "b", "x"]}""")),
        ("adapter_model.bin", File.ReadAllBytes(file)),
    ]);

    // A golden case or a broken one: the base and the first adapter.
    private static FuzzInput? MergeOf(string folder)
    {
        var from = new[] { "base.safetensors", "base", "model.safetensors" }.FirstOrDefault(name => Path.Exists(Path.Combine(folder, name)));
        return from is not null && AdapterOf(folder) is { } adapter && Path.Exists(Path.Combine(folder, adapter))
            ? FuzzInput.Of(Targets.Merge, folder, from == "model.safetensors" ? "" : from, adapter)
            : null;
    }

    private static string? AdapterOf(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        if (json.RootElement.TryGetProperty("adapters", out var adapters) && adapters.ValueKind == JsonValueKind.Array)
            return adapters.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : null).FirstOrDefault();

        return new[] { "adapter", "style.safetensors", "adapters/a" }.FirstOrDefault(name => Path.Exists(Path.Combine(folder, name)));
    }

    private static IEnumerable<FuzzInput> Arrays()
    {
        string[] headers =
        [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
            "{'descr': '|b1', 'fortran_order': False, 'shape': (24,), }", "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2, 6), }",
        ];
        foreach (var (index, header) in headers.Index())
        {
            var text = Encoding.Latin1.GetBytes(header.PadRight(117) + "\n");
            byte version = index == 1 ? (byte)2 : (byte)1;
            byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
            yield return new FuzzInput(Targets.Array, [($"x{index}.npy", [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. new byte[24]])]);
        }
    }
}
